import { z } from 'zod';
import { performOnConnections } from '../pool.ts';
import type { Verb } from '../verb.ts';

const refuse: Verb = {
  about: 'a server stops listening: its kernel answers SYN with RST; connections that it has go on',
  params: z.strictObject({}),
  who: ['server'],
  offered: true,
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `${name} stops listening; the connections that it has go on`,
  do: performOnConnections,
};
export default refuse;
