// What the model says of a trial, in the trial's own terms, and whether what was measured is within it.
import type { SocketOptions } from '../linux/libc.ts';
import { type Prediction, predict, type Side } from '../model/predict.ts';
import type { Outcome, Question, Trial } from '../plan/trial.ts';
import type { Against, Agreement, Comparison } from './questions/comparison.ts';
import { cost } from './questions/cost.ts';
import { dead } from './questions/dead.ts';
import { lost } from './questions/lost.ts';
import { outage } from './questions/outage.ts';
import { quiet } from './questions/quiet.ts';
import { replay } from './questions/replay.ts';

export type { Agreement } from './questions/comparison.ts';

const COMPARISONS: { readonly [K in Question['kind']]: Comparison<K> } = { quiet, lost, outage, replay, dead, cost };

const compareAs = <K extends Question['kind']>(
  question: Extract<Question, { kind: K }>,
  kind: K,
  against: Against,
): Agreement | undefined => COMPARISONS[kind](question, against);

export const predictTrial = ({ client, server, box, quietSeconds }: Trial, hz: number): Prediction =>
  predict({ client, server, middlebox: box.middlebox, quietSeconds, hz });

const optionsText = ({ keepalive, idleSeconds, intervalSeconds, probes, userTimeoutMs }: SocketOptions): string =>
  keepalive ? `${idleSeconds} s / ${intervalSeconds} s / ${probes}, user timeout ${userTimeoutMs} ms` : 'keepalive off';

/** What a side's socket should have, by the settings that it was given. */
const asked = ({ keepalive }: Side): SocketOptions | undefined =>
  keepalive === 'off'
    ? undefined
    : { keepalive: true, ...keepalive, userTimeoutMs: (keepalive.userTimeoutSeconds ?? 0) * 1000 };

/**
 * Why a trial has no answer; undefined where it has one. Both programs read their socket's options when the connection is
 * established, so a trial that got that far has them, however it ended: without them nobody knows which tuning was measured.
 */
export function problemOf(trial: Trial, { problem, kernel }: Outcome): string | undefined {
  if (problem !== undefined) return problem;
  const unproven = (['client', 'server'] as const).find(
    (side) => asked(trial[side]) !== undefined && kernel[side] === undefined,
  );
  return unproven && `getsockopt did not confirm the keepalive of the ${unproven}’s socket`;
}

/** Where a socket does not have what was asked for, its answers are those of another tuning. */
function otherOptions(trial: Trial, { kernel }: Outcome): Agreement | undefined {
  for (const side of ['client', 'server'] as const) {
    const [has, wanted] = [kernel[side], asked(trial[side])];
    if (has === undefined) continue;
    const same = wanted === undefined ? !has.keepalive : optionsText(has) === optionsText(wanted);
    if (!same)
      return {
        agrees: false,
        predicted: `${side}’s socket: ${wanted === undefined ? 'keepalive off' : optionsText(wanted)}`,
        measured: `getsockopt: ${optionsText(has)}`,
      };
  }
  return undefined;
}

/** @param patienceSeconds how long an answer was waited for @returns undefined where nothing is predicted, or answered */
export function compare(trial: Trial, outcome: Outcome, hz: number, patienceSeconds: number): Agreement | undefined {
  if (problemOf(trial, outcome) !== undefined) return undefined;
  const { question } = trial;
  return (
    otherOptions(trial, outcome) ??
    compareAs(question, question.kind, { trial, outcome, prediction: predictTrial(trial, hz), hz, patienceSeconds })
  );
}
