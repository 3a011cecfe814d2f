import { z } from 'zod';
import { onItsConnections, openConnections, slowly } from '../pool.ts';
import type { Verb } from '../verb.ts';

const connectAndRequest: Verb = {
  about: 'a client opens its connections and sends a command on each as soon as it is open',
  params: z.strictObject({}),
  who: ['client'],
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: (watched) => !watched,
  say: (step, host) =>
    `${host.name} opens ${onItsConnections(step, host).count} and sends a command on each at once${slowly(step)}`,
  do: (context) => openConnections(context, true),
};
export default connectAndRequest;
