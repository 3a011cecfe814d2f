import { z } from 'zod';
import { bytesParam } from '../../plan/params.ts';
import { bytesText, itsConnections, performOnConnections, slowly } from '../pool.ts';
import { refusesTo, toClient } from '../to-client.ts';
import type { Verb } from '../verb.ts';

const DEFAULT_BYTES = 64;

const push: Verb = {
  about: 'a server or a client sends data that nobody has asked for, and nobody answers',
  params: z.strictObject({ bytes: bytesParam.default(DEFAULT_BYTES), ...toClient }),
  who: ['client', 'server'],
  offered: true,
  onConnections: true,
  takesAway: 'nothing',
  talks: 'sends',
  awaited: () => true,
  refuses: refusesTo,
  say: (step, host) =>
    `${host.name} sends ${bytesText(step.params.bytes)} that nobody has asked for on ${itsConnections(step, host)}${slowly(step)}`,
  do: performOnConnections,
};
export default push;
