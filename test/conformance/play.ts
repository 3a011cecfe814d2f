import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isIPv6 } from 'node:net';
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
import type { RunRecord } from '../../src/stage/record.ts';
import { type Expected, outcomeExpected, outcomeSeen } from './table.ts';

interface Where {
  engine: Engine;
  pace: Pace;
}

/** Plays a scenario on an engine, and expects what the table says of each act. A difference names engine and act. */
export const playAndCompare = (where: Where, scenario: string, acts: Record<string, Expected>): Promise<void> =>
  playFile(where, SCENARIOS.path(scenario), acts);

/** The same of a scenario file over IPv6: its hosts spoke nothing else, and packets of every act were seen. */
export const playOverIpv6 = (where: Where, file: string, acts: Record<string, Expected>): Promise<void> =>
  playFile(where, file, acts, ({ result, folder }) => {
    const { acts: recorded } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunRecord;
    for (const { name, addresses } of recorded)
      expect({
        name,
        others: Object.values(addresses)
          .flat()
          .filter((address) => !isIPv6(address)),
      }).toEqual({
        name,
        others: [],
      });
    for (const { name, ladders } of result.acts) {
      const seen = ladders.flatMap(({ rows }) => rows.filter(({ kind }) => kind === 'packet'));
      expect({ name, seen: seen.length > 0 }).toEqual({ name, seen: true });
    }
  });

async function playFile(
  { engine, pace }: Where,
  file: string,
  acts: Record<string, Expected>,
  more?: (ran: Awaited<ReturnType<typeof runScenario>>) => void,
): Promise<void> {
  const runsFolder = mkdtempSync(join(tmpdir(), 'idlelab-test-conformance-'));
  try {
    const plan = await planScenario(file, pace, KNOWN);
    const { signal } = new AbortController();
    const ran = await runScenario(plan, { engine, runsFolder, onMessage: () => {}, signal });
    const { result } = ran;
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
    more?.(ran);
  } finally {
    rmSync(runsFolder, { recursive: true, force: true });
  }
}
