import { z } from 'zod';
import { itsConnections, performOnConnections, slowly } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

const close: Verb = {
  about: 'a client or a server closes its connections in order: FIN',
  params: z.strictObject(toClient),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'peer',
  talks: 'ends',
  awaited: () => false,
  refuses: refusesTo,
  say: (step, host) => `${host.name} closes ${itsConnections(step, host)}${slowly(step)}`,
  do: performOnConnections,
};
export default close;
