import { type ActPlan, clientOf, type Step } from './plan.ts';

const TALKS: ReadonlyMap<string, 'sends' | 'ends'> = new Map([
  ['connect', 'sends'],
  ['connect-and-request', 'sends'],
  ['request', 'sends'],
  ['close', 'ends'],
]);

/**
 * What a step is to the silence of the client's connections: `sends` ends one and begins the next, `ends` has none after it,
 * for the connections are closed. Undefined for waits, and for faults, which go on in silence.
 */
export const talks = (act: ActPlan, step: Step): 'sends' | 'ends' | undefined =>
  step.kind === 'action' && step.host === clientOf(act).name ? TALKS.get(step.action) : undefined;
