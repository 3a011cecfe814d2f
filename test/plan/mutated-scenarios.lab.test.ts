import { it } from 'vitest';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import { plannedOrRefused } from '../helpers/planned-or-refused.ts';

it('4000 mutated scenarios are planned, or refused with their place', () =>
  plannedOrRefused(SCENARIOS, 4000, (file, pace) => planScenario(file, pace, KNOWN)));
