// What verbs, boxes and checks say of their parameters in scenario files: zod types that read durations and sizes as people
// write them.
import { z } from 'zod';
import { type DurationLimit, durationLimitText, limitedDuration } from './limits.ts';

/** A duration, as in 350s or 8h. @returns a type whose output is seconds */
export const durationParam = (limit: DurationLimit) =>
  z
    .union([z.string(), z.number()], { error: durationLimitText(limit) })
    .transform((text, context): number => {
      const seconds = limitedDuration(String(text), limit);
      if (typeof seconds === 'number') return seconds;
      context.addIssue({ code: 'custom', message: seconds.expected });
      return z.NEVER;
    })
    .describe(durationLimitText(limit));

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, kB: 1000, MB: 1_000_000, KiB: 1024, MiB: 1024 ** 2 };
const SIZE = /^(\d+)\s*(B|kB|MB|KiB|MiB)?$/;
/** More than any lesson needs; a request is kept in memory at both ends. */
const MOST_BYTES = 16 * 1024 ** 2;
const BYTES_WORDS = 'a number of bytes from 1 to 16MiB, as in 64, 1kB or 1MiB';

/** A number of bytes, as in 64, 64B, 1kB or 1MiB. @returns a type whose output is bytes */
export const bytesParam = z
  .union([z.string(), z.number()], { error: BYTES_WORDS })
  .transform((text, context): number => {
    const [, number, unit = ''] = SIZE.exec(String(text).trim()) ?? [];
    const bytes = Number(number) * (UNITS[unit] ?? Number.NaN);
    if (Number.isInteger(bytes) && bytes >= 1 && bytes <= MOST_BYTES) return bytes;
    context.addIssue({ code: 'custom', message: BYTES_WORDS });
    return z.NEVER;
  })
  .describe(BYTES_WORDS);

/** A whole number, also as text. */
export const countParam = (least: number, most: number) => {
  const words = `a whole number from ${least} to ${most}`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], { error: words })
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, words)
    .describe(words);
};
