// Parsers of options' values: what no engine, kernel or machine could hold is refused before anything starts.
import { InvalidArgumentError } from 'commander';
import { type CountLimit, type DurationLimit, limitedCount, limitedDuration } from '../plan/limits.ts';

type Read<Limit> = (text: string, limit: Limit) => number | { expected: string };

const parser =
  <Limit>(read: Read<Limit>) =>
  (limit: Limit) =>
  (text: string): number => {
    const found = read(text, limit);
    if (typeof found === 'number') return found;
    throw new InvalidArgumentError(`Expected ${found.expected}.`);
  };

/** @returns seconds */
export const durationOption: (limit: DurationLimit) => (text: string) => number = parser(limitedDuration);
export const countOption: (limit: CountLimit) => (text: string) => number = parser(limitedCount);

/** What `--list` can list. */
export const LIST_NAMES = ['scenarios', 'verbs', 'middleboxes', 'servers', 'libraries', 'tunings', 'checks'] as const;
export type ListName = (typeof LIST_NAMES)[number];
