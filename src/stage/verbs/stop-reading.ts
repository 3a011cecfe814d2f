import { z } from 'zod';
import { itsConnections, performOnConnections } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

/** Its kernel goes on acknowledging until the receive buffer is full; then its window is zero, and the sender probes it. */
const stopReading: Verb = {
  about: 'a client or a server reads no more from its connections: their receive windows fill up and close',
  params: z.strictObject(toClient),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'nothing',
  awaited: () => true,
  refuses: refusesTo,
  say: (step, host) => `${host.name} stops reading from ${itsConnections(step, host)}`,
  do: performOnConnections,
};
export default stopReading;
