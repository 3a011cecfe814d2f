import { z } from 'zod';
import { keepsItsTable, powerOff, powerOn } from '../power.ts';
import type { Verb } from '../verb.ts';

/** After `crash`, or at once. What reaches it of older connections meets a kernel that knows nothing of them: RST. */
const reboot: Verb = {
  about: 'a host comes up after a loss of power: sockets and flows are gone, its programs start again',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'peer',
  awaited: () => true,
  refuses: keepsItsTable,
  say: (_, { name }) => `${name} boots: its sockets and flows are gone, its programs start again`,
  async do(context) {
    const { host, patiently } = context;
    await powerOff(context);
    await patiently(powerOn(context), `booting ${host.name}`);
  },
};
export default reboot;
