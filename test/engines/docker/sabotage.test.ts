import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runScenario } from '../../../src/cli/run-scenario.ts';
import { docker } from '../../../src/engines/docker/engine.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { SCENARIOS } from '../../../src/plan/catalogue.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import { containersThere } from '../../helpers/docker.ts';
import { patientFor, secretly } from '../../helpers/secretly.ts';

const runsFolder = mkdtempSync(join(tmpdir(), 'idlelab-test-docker-sabotage-'));
afterAll(() => rmSync(runsFolder, { recursive: true, force: true }));

describe.runIf(containersThere)('a container that is secretly configured otherwise', () => {
  it.each([
    ['rebalance', { broken: 'fail', fixed: 'fail' }],
    ['proxy-close', { broken: 'fail', keepalive: 'fail', fixed: 'fail' }],
  ])('a balancer that remembers for an hour: %s fails in every act', async (scenario, acts) => {
    const plan = await planScenario(SCENARIOS.path(scenario), 'compressed', KNOWN);
    const { signal } = new AbortController();
    const engine = secretly(docker, patientFor(3600));
    const { result } = await runScenario(plan, { engine, runsFolder, onMessage: () => {}, signal });
    expect(Object.fromEntries(result.acts.map((act) => [act.name, act.verdict]))).toEqual(acts);
    expect(result.verdict).toBe('fail');
  });
});
