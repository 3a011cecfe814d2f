import { type ActPlan, type ClientPlan, clientOf, type Step } from './plan.ts';

/** How long a host may take to do what it is told, seconds; what a client spreads over a time comes on top. */
const PATIENCE_SECONDS = 10;

/** How long the client may take to connect, or to have its requests answered, seconds. */
export const patienceSeconds = ({ spreadSeconds }: ClientPlan): number => PATIENCE_SECONDS + (spreadSeconds ?? 0);

/** What a client spreads over time: its last connection begins this long after its first. */
const spreadOf = ({ spreadSeconds, connections }: ClientPlan): number =>
  spreadSeconds === undefined ? 0 : (spreadSeconds * (connections - 1)) / connections;

/** Whether a client's step lasts until the last of its connections is through. */
function isAwaited({ action }: Extract<Step, { kind: 'action' }>, next: Step | undefined): boolean {
  if (action === 'request') return next?.kind !== 'observe';
  return action === 'connect' || action === 'connect-and-request';
}

/**
 * How long a step of an act takes by its plan, seconds: a wait exactly as long as it says, an action any time that is not
 * longer than the lab's patience. What a busy machine adds is not in it.
 */
export function stepLength(act: ActPlan, index: number): { least: number; most: number } {
  const step = act.timeline[index] as Step;
  if (step.kind !== 'action') return { least: step.seconds, most: step.seconds };
  const client = clientOf(act);
  if (step.host !== client.name) return { least: 0, most: PATIENCE_SECONDS };
  return {
    least: isAwaited(step, act.timeline[index + 1]) ? spreadOf(client) : 0,
    most: patienceSeconds(client),
  };
}
