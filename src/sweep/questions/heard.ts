// The one tolerance between what a kernel does and the program that hears of it. Trials are compared, and cells are predicted,
// by the same rule: else a trial could agree with the model while its cell breaks a demand that the model was sure of.
import type { Certainty, Interval } from '../../model/interval.ts';

/** From what a kernel does to the program that hears of it, seconds. */
const HEARD_SECONDS = 1;

/** When a program may hear of what happens within an interval. */
const heard = ({ from, to }: Interval): Interval => ({ from: from - HEARD_SECONDS, to: to + HEARD_SECONDS });

/** Whether a time agrees with an interval; undefined: nothing was heard while it was watched. */
export function agreesWith(seconds: number | undefined, predicted: Interval, watchedSeconds: number): boolean {
  const { from, to } = heard(predicted);
  return seconds === undefined ? to >= watchedSeconds : seconds >= from && seconds <= to;
}

/** Whether everything that agrees with an interval is heard within a time. */
export function heardWithin(predicted: Interval, seconds: number): Certainty {
  const { from, to } = heard(predicted);
  if (to <= seconds) return 'yes';
  return from > seconds ? 'no' : 'maybe';
}
