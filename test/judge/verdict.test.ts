import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepaliveIdleFor } from '../../src/advice/rules.ts';
import { verdictOf } from '../../src/judge/judge.ts';
import { countRange, range, tally } from '../../src/judge/words.ts';

const status = fc.constantFrom('pass', 'fail', 'unknown', 'inconclusive') as fc.Arbitrary<
  'pass' | 'fail' | 'unknown' | 'inconclusive'
>;

describe('a verdict', () => {
  it.each([
    [['pass', 'pass'], 'pass'],
    [['pass', 'unknown'], 'inconclusive'],
    [['unknown', 'fail'], 'fail'],
    [[], 'inconclusive'],
  ] as const)('of %j is %s', (statuses, verdict) => expect(verdictOf(statuses)).toBe(verdict));

  it('is pass only when everything passed', () => {
    fc.assert(
      fc.property(
        fc.array(status),
        (all) => (verdictOf(all) === 'pass') === (all.length > 0 && all.every((each) => each === 'pass')),
      ),
    );
  });
});

describe('the idle time that is recommended', () => {
  it('leaves room for two lost rounds before the middlebox forgets', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 100_000 }),
        (timeout) => keepaliveIdleFor(timeout) * 3 <= timeout && keepaliveIdleFor(timeout) >= 1,
      ),
    );
  });
});

describe('words', () => {
  it('count what was met, the most frequent first', () => expect(tally(['a', 'b', 'b'])).toBe('2× b, 1× a'));
  it('give counts no unit', () => expect([countRange([2, 2]), countRange([4, 2, 3])]).toEqual(['2', '2 to 4']));
  it('give one figure for equal ends', () =>
    expect([range([3, 3.0001]), range([1, 2])]).toEqual(['3 s', '1 s to 2 s']));
});
