import { it } from 'vitest';
import { MIDDLEBOXES, TUNINGS } from '../../src/plan/catalogue.ts';
import { readProfile } from '../../src/plan/profile.ts';
import { readTuning } from '../../src/plan/resolver.ts';
import { plannedOrRefused } from '../helpers/planned-or-refused.ts';

it('2500 mutated middlebox profiles are read, or refused with their place', () =>
  plannedOrRefused(MIDDLEBOXES, 2500, readProfile));

it('1000 mutated tunings are read, or refused with their place', () => plannedOrRefused(TUNINGS, 1000, readTuning));
