import { it } from 'vitest';
import { SWEEPS } from '../../src/plan/catalogue.ts';
import { makeSpec } from '../../src/sweep/make-spec.ts';
import { plannedOrRefused } from '../helpers/planned-or-refused.ts';

it('2500 mutated sweeps are planned, or refused with their place', () =>
  plannedOrRefused(SWEEPS, 2500, (file, pace) =>
    makeSpec({ file, pace }, { name: 'virtual', hz: 250, realTime: false }),
  ));
