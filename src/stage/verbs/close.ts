import { z } from 'zod';
import { performOnConnections } from '../pool.ts';
import type { Verb } from '../verb.ts';

const close: Verb = {
  about: 'a client or a server closes its connections in order: FIN',
  params: z.strictObject({}),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'peer',
  talks: 'ends',
  awaited: () => false,
  say: (_, { name }) => `${name} closes its connections`,
  do: performOnConnections,
};
export default close;
