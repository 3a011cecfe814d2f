import { z } from 'zod';
import { thaw as thawPrograms } from '../power.ts';
import type { Verb } from '../verb.ts';

const thaw: Verb = {
  about: 'the programs of a host go on, after freeze',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `the programs on ${name} go on`,
  do: ({ lab, cast, host }) => thawPrograms(lab, cast, host),
};
export default thaw;
