import { z } from 'zod';
import { cutLinks, keepsItsTable, loseTables, mendLinks } from '../power.ts';
import type { Verb } from '../verb.ts';

/**
 * A service is restarted: a proxy's kernel closes its sockets, with FIN or RST; rules and the table of flows are loaded anew, and
 * nothing passes meanwhile.
 */
const restartBox: Verb = {
  about: 'the service of a middlebox restarts: its table is lost; rules and programs come back',
  params: z.strictObject({}),
  who: ['middlebox'],
  onConnections: false,
  takesAway: 'path',
  awaited: () => true,
  refuses: keepsItsTable,
  say: (_, { name }) => `${name} restarts: it has forgotten everything`,
  async do(context) {
    const { lab, cast, host, patiently } = context;
    const there = lab.host(host.name);
    await cast.kill(host.name);
    there.frozen = false;
    const wasCut = cast.cut.has(host.name);
    await cutLinks(context);
    await loseTables(there);
    await patiently(cast.startAgain(host), `restarting ${host.name}`);
    if (!wasCut) await mendLinks(context);
  },
};
export default restartBox;
