import { z } from 'zod';
import type { Verb } from '../verb.ts';

/** For the acts of a timeline in which, in another act, something happens to the host. */
const rest: Verb = {
  about: 'nothing happens to a host',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `${name} goes on as before`,
  do: () => Promise.resolve(),
};
export default rest;
