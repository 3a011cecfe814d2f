import { z } from 'zod';
import { cutLinks } from '../power.ts';
import type { Verb } from '../verb.ts';

/** The cable is pulled; programs and sockets live on. */
const cut: Verb = {
  about: 'the links of a host are cut; its programs and sockets live on',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'path',
  awaited: () => true,
  say: (_, { name }) => `the links of ${name} are cut`,
  do: cutLinks,
};
export default cut;
