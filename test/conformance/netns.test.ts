import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { netns } from '../../src/engines/netns/engine.ts';
import { runScenario } from '../../src/run-scenario.ts';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';
import { planScenario } from '../../src/scenario/make-plan.ts';
import { clientOf } from '../../src/scenario/plan.ts';
import { CONFORMANCE, outcomeExpected, outcomeSeen } from './table.ts';

const runsFolder = mkdtempSync(join(tmpdir(), 'idlelab-test-conformance-'));
afterAll(() => rmSync(runsFolder, { recursive: true, force: true }));

describe('on network namespaces, with the real kernel and the real programs', () => {
  it('every shipped scenario is in the table', () => {
    expect(Object.keys(CONFORMANCE).sort()).toEqual(SCENARIOS.names());
  });

  // Each waits most of its time, and none shares anything with another.
  it.concurrent.each(Object.entries(CONFORMANCE))('%s ends as the table says', async (scenario, acts) => {
    const plan = await planScenario(SCENARIOS.path(scenario), 'compressed');
    const { signal } = new AbortController();
    const { result } = await runScenario(plan, { engine: netns, runsFolder, onMessage: () => {}, signal });
    const findings = result.acts.flatMap((act) =>
      act.findings.map(({ id, status, observed }) => ({ id, status, observed })),
    );
    expect({ problem: result.problem, bad: findings.filter(({ status }) => status !== 'pass') }).toEqual({
      problem: null,
      bad: [],
    });
    expect(result.verdict).toBe('pass');
    for (const [name, expected] of Object.entries(acts)) {
      const act = result.acts.find((candidate) => candidate.name === name);
      const connections = clientOf(plan.acts[0] as (typeof plan.acts)[0]).connections;
      expect(act && { name, ...outcomeSeen(act.outcome) }).toEqual({ name, ...outcomeExpected(expected, connections) });
    }
  });
});
