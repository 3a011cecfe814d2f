import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration, shortDuration } from '../../src/base/duration.ts';

describe('durations, as people write them', () => {
  it.each([
    ['350s', 350],
    ['8h', 28_800],
    ['1h 30min', 5400],
    ['200ms', 0.2],
    ['1.5s', 1.5],
    ['2m', 120],
    ['1d', 86_400],
  ])('%s is %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  it.each(['', '350', 's', '-1s', '3 weeks', '1s foo', '8 h o u r s'])('%j is none', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it.each([
    [0.0003, '300 µs'],
    [0.05, '50 ms'],
    [0.2, '0.20 s'],
    [7, '7.0 s'],
    [350, '5 min 50 s'],
    [28_800, '8 h 00 min'],
    [7140, '1 h 59 min'],
  ])('%d seconds read %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('whole seconds come back from the short form unchanged', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seconds) => parseDuration(shortDuration(seconds)) === seconds),
    );
  });

  it('a longer time never reads as a smaller unit without a larger number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (seconds) => {
        const read = parseDuration(formatDuration(seconds));
        return read !== undefined && Math.abs(read - seconds) <= 30;
      }),
    );
  });
});
