// What every question has in common: how the model's answer to it is held against what was measured. A file each beside this one.

import { formatDuration } from '../../base/duration.ts';
import type { Certainty, Interval } from '../../model/interval.ts';
import type { Prediction } from '../../model/predict.ts';
import type { Outcome, Question, Trial } from '../../plan/trial.ts';

/** Whether a measurement is within the prediction, and both in words. */
export interface Agreement {
  agrees: boolean;
  predicted: string;
  measured: string;
}

export interface Against {
  trial: Trial;
  outcome: Outcome;
  prediction: Prediction;
  /** Timer interrupts a second of the kernel. */
  hz: number;
  /** How long an answer was waited for, seconds. */
  patienceSeconds: number;
}

/** @returns undefined where the model predicts nothing */
export type Comparison<K extends Question['kind']> = (
  question: Extract<Question, { kind: K }>,
  against: Against,
) => Agreement | undefined;

/** Whether it outlived something, where that was all that was asked. */
export const survived = (survives: Certainty, { met }: Outcome): Agreement => ({
  agrees: survives === 'maybe' || (met === 'ok') === (survives === 'yes'),
  predicted: `survives: ${survives}`,
  measured: met ?? 'nothing',
});

/** "never", "5 min or later", "3 min to 5 min". */
export const intervalText = ({ from, to }: Interval): string => {
  if (from === Number.POSITIVE_INFINITY) return 'never';
  if (to === Number.POSITIVE_INFINITY) return `${formatDuration(from)} or later`;
  return to - from < 0.01 ? formatDuration(from) : `${formatDuration(from)} to ${formatDuration(to)}`;
};

/** "5 min", "not within 8 h". */
export const timeText = (seconds: number | undefined, watchedSeconds: number): string =>
  seconds === undefined ? `not within ${formatDuration(watchedSeconds)}` : formatDuration(seconds);
