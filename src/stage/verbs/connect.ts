import { z } from 'zod';
import { onItsConnections, openConnections, slowly } from '../pool.ts';
import type { Verb } from '../verb.ts';

const connect: Verb = {
  about: 'a client opens its connections; the step lasts until all are open or given up, unless it is watched',
  params: z.strictObject({}),
  who: ['client'],
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: (watched) => !watched,
  say: (step, host) => `${host.name} opens ${onItsConnections(step, host).count}${slowly(step)}`,
  do: (context) => openConnections(context, false),
};
export default connect;
