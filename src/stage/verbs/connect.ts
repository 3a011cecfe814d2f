import { z } from 'zod';
import { onItsConnections, openConnections, slowly } from '../pool.ts';
import type { Verb } from '../verb.ts';

const connect: Verb = {
  about: 'a client opens its connections',
  params: z.strictObject({}),
  who: ['client'],
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: () => true,
  say: (step, host) => `${host.name} opens ${onItsConnections(step, host).count}${slowly(step)}`,
  do: (context) => openConnections(context, false),
};
export default connect;
