import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proportion, proportionText } from '../../src/sweep/proportion.ts';

describe('a proportion', () => {
  // Wilson (1927) as in Newcombe (1998), table I: 81 of 263 has 0.2553 to 0.3662; 0 of 20 has 0 to 0.1611.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i has the interval of Wilson’s that the literature gives', (yes, of, low, high) => {
    const found = proportion(yes, of);
    expect([found.low, found.high].map((each) => Number(each.toFixed(4)))).toEqual([low, high]);
  });
  it('lies within its interval, which lies within 0 and 1, and narrows with more of the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(200), (of, some) => {
        const yes = Math.min(some, of);
        const one = proportion(yes, of);
        expect(one.low).toBeLessThanOrEqual(yes / of + 1e-9);
        expect(one.high).toBeGreaterThanOrEqual(yes / of - 1e-9);
        expect([one.low >= 0, one.high <= 1]).toEqual([true, true]);
        const more = proportion(yes * 4, of * 4);
        expect(more.high - more.low).toBeLessThan(one.high - one.low);
      }),
    );
  });
  it('of nothing says nothing', () => {
    expect(proportion(0, 0)).toEqual({ yes: 0, of: 0, low: 0, high: 1 });
    expect(proportionText(proportion(0, 0))).toBe('not measured');
  });
});
