import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reversed, wayKey } from '../../src/wire/endpoint.ts';
import { TupleNumbers, WayNumbers } from '../../src/wire/numbers.ts';

const way = fc.record({
  src: fc.constantFrom('10.0.0.1', '10.0.0.2', '::1'),
  sport: fc.integer({ min: 0, max: 3 }),
  dst: fc.constantFrom('10.0.0.1', '10.0.0.2', '::1'),
  dport: fc.constantFrom(0, 1, 0xffff),
});
// Few values, so that tuples come again, and those that a number of 32 bits may have.
const word = fc.constantFrom(0, 1, 2, -1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
const tuple = fc.tuple(word, word, word, word, word);

describe('numbers tell things apart as their texts do', () => {
  it('ways, and their ways back', () =>
    fc.assert(
      fc.property(fc.array(way), (ways) => {
        const numbers = new WayNumbers();
        const texts = new Map<number, string>();
        for (const each of ways) {
          const number = numbers.of(each);
          expect(texts.get(number) ?? wayKey(each)).toBe(wayKey(each));
          texts.set(number, wayKey(each));
          expect(numbers.back(number)).toBe(numbers.of(reversed(each)));
          expect(numbers.back(numbers.back(number))).toBe(number);
        }
        expect(texts.size).toBe(new Set(ways.map(wayKey)).size);
      }),
    ));

  it('tuples of words, signed or not', () =>
    fc.assert(
      fc.property(fc.array(tuple, { maxLength: 200 }), (tuples) => {
        const numbers = new TupleNumbers();
        const known = new Map<string, number>();
        for (const each of tuples) {
          const text = each.map((value) => value >>> 0).join();
          const number = numbers.of(...each);
          expect(known.get(text) ?? number).toBe(number);
          known.set(text, number);
        }
        expect([numbers.size, new Set(known.values()).size]).toEqual([known.size, known.size]);
      }),
    ));

  it('very many tuples', () => {
    const numbers = new TupleNumbers();
    const give = () => Array.from({ length: 20_000 }, (_, index) => numbers.of(7, index * 64, 0, index >> 9, 1));
    expect(give()).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
    expect(give()).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
  });
});
