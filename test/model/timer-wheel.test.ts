import { assert, constantFrom, double, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { granuleSeconds, largestSafeIdle } from '../../src/model/timer-wheel.ts';

describe('the kernel’s timer wheel', () => {
  // The table in the header of kernel/time/timer.c, for HZ 250 and 1000.
  it.each([
    [0.2, 250, 0.004],
    [1, 250, 0.032],
    [10, 250, 0.256],
    [100, 250, 2.048],
    [340, 250, 16.384],
    [7200, 250, 131.072],
    [0.05, 1000, 0.001],
    [0.2, 1000, 0.008],
    [2, 1000, 0.064],
    [30, 1000, 0.512],
    [200, 1000, 4.096],
    [340, 1000, 32.768],
    [7200, 1000, 262.144],
  ])('a timer of %d s at HZ %i is late by up to %d s', (delay, hz, granule) =>
    expect(granuleSeconds(delay, hz)).toBeCloseTo(granule, 6),
  );

  it.each([
    [350, 250, 333],
    [350, 1000, 317],
    [240, 250, 223],
    [240, 1000, 235],
    [900, 250, 883],
    [60, 250, 57],
  ])('under a patience of %i s at HZ %i the longest safe idle time is %i s', (timeout, hz, idle) =>
    expect(largestSafeIdle(timeout, hz)).toBe(idle),
  );

  it('no idle time is safe under a patience of a second', () => expect(largestSafeIdle(1, 250)).toBeUndefined());

  it('a longer timer is never kept more exactly', () =>
    assert(
      property(
        double({ min: 0, max: 1e5, noNaN: true }),
        double({ min: 0, max: 1e5, noNaN: true }),
        constantFrom(250, 1000),
        (a, b, hz) => granuleSeconds(Math.min(a, b), hz) <= granuleSeconds(Math.max(a, b), hz),
      ),
    ));

  it('lateness is an eighth of the timer at most, from the second level on', () =>
    assert(
      property(
        double({ min: 1, max: 1e5, noNaN: true }),
        constantFrom(250, 1000),
        (delay, hz) => granuleSeconds(delay, hz) <= delay * (8 / 63) + 1e-9,
      ),
    ));

  it('the longest safe idle time is safe, and one second more is not', () =>
    assert(
      property(integer({ min: 2, max: 10_000 }), constantFrom(250, 1000), (timeout, hz) => {
        const idle = largestSafeIdle(timeout, hz) as number;
        const next = idle + 1;
        return (
          idle + granuleSeconds(idle, hz) < timeout && (next >= timeout || next + granuleSeconds(next, hz) >= timeout)
        );
      }),
    ));
});
