import type { Neighbour, SweepResult } from './result.ts';

/** Whether what lies next to the best is as the model says; undefined where it was not measured. */
export const asExpected = ({ seen, expected }: Pick<Neighbour, 'seen' | 'expected'>): boolean | undefined =>
  seen === 'not-measured' ? undefined : seen === expected;

/**
 * A sweep fails where a measurement contradicts the model, and is inconclusive where something has no answer. It decides by
 * numbers and unions only, never by a sentence.
 */
export function verdictOf({
  disagreements,
  trials,
  recommendations,
}: Pick<SweepResult, 'disagreements' | 'trials' | 'recommendations'>): SweepResult['verdict'] {
  const neighbours = recommendations.flatMap((recommendation) => recommendation.neighbours.map(asExpected));
  if (disagreements.length > 0 || neighbours.includes(false)) return 'fail';
  return trials.unanswered > 0 || trials.measured === 0 || neighbours.includes(undefined) ? 'inconclusive' : 'pass';
}
