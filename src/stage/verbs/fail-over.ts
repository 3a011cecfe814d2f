import { z } from 'zod';
import { keepsItsTable, powerOff, powerOn } from '../power.ts';
import type { Verb } from '../verb.ts';

/** Like a loss of power and a boot in no time: for those on both sides the standby is the same box, without its memory. */
const failOver: Verb = {
  about: 'a standby without the table takes the address of a middlebox over: no FIN, no RST, nothing is known there',
  params: z.strictObject({}),
  who: ['middlebox'],
  onConnections: false,
  takesAway: 'path',
  awaited: () => true,
  refuses: keepsItsTable,
  say: (_, { name }) => `a standby that knows of no connection takes over the address of ${name}`,
  async do(context) {
    const { host, patiently } = context;
    await powerOff(context);
    await patiently(powerOn(context), `failing ${host.name} over`);
  },
};
export default failOver;
