import { join } from 'node:path';
import { it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import { plannedOrRefused } from '../helpers/planned-or-refused.ts';

const everyWord = { names: () => ['every-word'], path: () => join(packageRoot, 'test/plan/files/every-word.yaml') };

it('4000 mutated scenarios are planned, or refused with their place', () =>
  plannedOrRefused(SCENARIOS, 4000, (file, pace) => planScenario(file, pace, KNOWN)));

it('6000 mutations of one that has every word are planned, or refused with their place', () =>
  plannedOrRefused(everyWord, 6000, (file, pace) => planScenario(file, pace, KNOWN)));
