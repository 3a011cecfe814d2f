import { z } from 'zod';
import { itsConnections, performOnConnections, slowly } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

/**
 *   client ──FIN──▶ server      shutdown(SHUT_WR): no more from here …
 *   client ◀─data── server      … but what comes from there is read on
 */
const halfClose: Verb = {
  about: 'a client or a server sends no more, and says so with FIN; what the other side sends is still read',
  params: z.strictObject(toClient),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: () => true,
  refuses: refusesTo,
  say: (step, host) => `${host.name} sends FIN on ${itsConnections(step, host)}, and still reads${slowly(step)}`,
  do: performOnConnections,
};
export default halfClose;
