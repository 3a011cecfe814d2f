import { z } from 'zod';
import type { Verb } from '../verb.ts';

/** Undoes `cut`. */
const mend: Verb = {
  about: 'the links of a host are back after a cut',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `the links of ${name} are back`,
  do: ({ lab, host }) => lab.host(host.name).setLinks(true),
};
export default mend;
