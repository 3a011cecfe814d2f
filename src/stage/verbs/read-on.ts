import { z } from 'zod';
import { itsConnections, performOnConnections } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

const readOn: Verb = {
  about: 'a client or a server reads again from its connections, after stop-reading',
  params: z.strictObject(toClient),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'nothing',
  awaited: () => true,
  refuses: refusesTo,
  say: (step, host) => `${host.name} reads again from ${itsConnections(step, host)}`,
  do: performOnConnections,
};
export default readOn;
