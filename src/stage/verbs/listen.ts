import { z } from 'zod';
import { performOnConnections } from '../pool.ts';
import type { Verb } from '../verb.ts';

const listen: Verb = {
  about: 'a server listens again, after refuse',
  params: z.strictObject({}),
  who: ['server'],
  offered: true,
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `${name} listens again`,
  do: performOnConnections,
};
export default listen;
