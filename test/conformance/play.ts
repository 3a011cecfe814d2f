import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Pace } from '../../src/base/pace.ts';
import { runScenario } from '../../src/cli/run-scenario.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import { clientsOf } from '../../src/plan/plan.ts';
import { type Expected, outcomeExpected, outcomeSeen } from './table.ts';

/** Plays a scenario on an engine, and expects what the table says of each act. A difference names engine and act. */
export async function playAndCompare(
  { engine, pace }: { engine: Engine; pace: Pace },
  scenario: string,
  acts: Record<string, Expected>,
): Promise<void> {
  const runsFolder = mkdtempSync(join(tmpdir(), 'idlelab-test-conformance-'));
  try {
    const plan = await planScenario(SCENARIOS.path(scenario), pace, KNOWN);
    const { signal } = new AbortController();
    const { result } = await runScenario(plan, { engine, runsFolder, onMessage: () => {}, signal });
    const findings = result.acts.flatMap((act) =>
      act.findings.map(({ id, status, observed }) => ({ act: act.name, id, status, observed })),
    );
    expect({
      engine: engine.name,
      problem: result.problem,
      bad: findings.filter(({ status }) => status !== 'pass'),
    }).toEqual({ engine: engine.name, problem: null, bad: [] });
    expect(result.verdict).toBe('pass');
    const connections = clientsOf(plan.acts[0] as (typeof plan.acts)[0])[0]?.connections ?? 0;
    for (const [name, expected] of Object.entries(acts)) {
      const act = result.acts.find((candidate) => candidate.name === name);
      expect(act && { engine: engine.name, act: name, ...outcomeSeen(act.outcome, expected) }).toEqual({
        engine: engine.name,
        act: name,
        ...outcomeExpected(expected, connections),
      });
    }
  } finally {
    rmSync(runsFolder, { recursive: true, force: true });
  }
}
