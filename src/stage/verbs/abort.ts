import { z } from 'zod';
import { itsConnections, performOnConnections, slowly } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

const abort: Verb = {
  about: 'a client or a server ends its connections with RST (SO_LINGER 0): what is under way is lost',
  params: z.strictObject(toClient),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'peer',
  talks: 'ends',
  awaited: () => true,
  refuses: refusesTo,
  say: (step, host) => `${host.name} resets ${itsConnections(step, host)}${slowly(step)}`,
  do: performOnConnections,
};
export default abort;
