import { z } from 'zod';
import { powerOff } from '../power.ts';
import type { Verb } from '../verb.ts';

const crash: Verb = {
  about: 'a host loses power: no FIN, no RST, nothing',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'peer',
  awaited: () => true,
  say: (_, { name }) => `${name} loses power: no FIN, no RST, nothing`,
  do: powerOff,
};
export default crash;
