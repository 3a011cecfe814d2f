import { z } from 'zod';
import { freeze as freezePrograms } from '../power.ts';
import type { Verb } from '../verb.ts';

const freeze: Verb = {
  about: 'the programs of a host hang (SIGSTOP); its kernel goes on acknowledging',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'peer',
  awaited: () => true,
  refuses: ({ host }) =>
    host.role === 'middlebox' && host.layer === 'L4'
      ? {
          what: `${host.name} is in its kernel’s hands: it has no program that could hang`,
          todo: 'take "cut" or "crash", or freeze a proxy, a client or a server',
        }
      : undefined,
  say: (_, { name }) => `the programs on ${name} hang; its kernel goes on`,
  do: ({ lab, cast, host }) => freezePrograms(lab, cast, host),
};
export default freeze;
