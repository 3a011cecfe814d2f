import { z } from 'zod';
import { itsConnections, performOnConnections, slowly } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

/** RFC 2525, 2.17: a host that closes with data unread resets, so that the sender learns that it was not read. */
const closeUnread: Verb = {
  about: 'a client or a server closes its connections with data in them that it has not read: its kernel sends RST',
  params: z.strictObject(toClient),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'peer',
  talks: 'ends',
  awaited: () => true,
  refuses: refusesTo,
  say: (step, host) => `${host.name} closes ${itsConnections(step, host)} with data unread${slowly(step)}`,
  do: performOnConnections,
};
export default closeUnread;
