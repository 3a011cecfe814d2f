import { expect, it } from 'vitest';
import { nearest, suggestion } from '../../src/base/suggest.ts';

const names = ['rebalance', 'reset', 'reset-both', 'black-hole'];

it('finds the nearest names, best first', () => expect(nearest('reset', names)).toEqual(['reset', 'reset-both']));
it('finds a name by its beginning', () => expect(nearest('black', names)).toEqual(['black-hole']));
it('says nothing where nothing is near', () => expect(suggestion('kubernetes', names)).toBeUndefined());
