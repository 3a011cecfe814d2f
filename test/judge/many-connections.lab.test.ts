import { describe, expect, it } from 'vitest';
import type { ActEvidence } from '../../src/evidence/read.ts';
import { CHECKS } from '../../src/judge/catalogue.ts';
import { ask } from '../../src/judge/check.ts';
import { ActFacts } from '../../src/judge/facts.ts';
import { keepaliveRows } from '../../src/judge/keepalive.ts';
import { buildLadders } from '../../src/judge/ladder.ts';
import { outcomeOf } from '../../src/judge/outcome.ts';
import { connectionsOf } from '../../src/plan/plan.ts';
import { arrayWork } from '../helpers/array-work.ts';
import { FIXTURES, recorded, TOLD } from '../helpers/fixture.ts';
import { multiply } from '../helpers/multiply.ts';

const ACTS = FIXTURES.flatMap((name) => recorded(name).acts.map((act) => [name, act.plan.name, act] as const));
const FEW_CONNECTIONS = 8;
const TIMES = 8;
/** Work that grew with the square of the connections would be 64 times as much. */
const MOST = TIMES * 1.1;

const checks = new Map(
  await Promise.all(CHECKS.names().map(async (name) => [name, (await CHECKS.load(name)).default] as const)),
);

/** All that judging computes of an act, synchronously. */
function judge(evidence: ActEvidence) {
  const facts = new ActFacts(evidence, TOLD);
  const findings = evidence.plan.expect.map(({ check, params }) => {
    const definition = checks.get(check);
    if (!definition) throw new Error(`no check ${check}`);
    return { id: check, params, ...ask(definition, facts, params) };
  });
  return { findings, outcome: outcomeOf(facts), rows: keepaliveRows(facts), ladder: buildLadders(facts, findings) };
}

describe('many connections', () => {
  it.each(ACTS)('%s, %s: are judged as few are, with work in proportion', (_, __, act) => {
    const statuses: [string, string][][] = [];
    const work = [1, TIMES].map((times) => {
      const evidence = multiply(act, times * Math.ceil(FEW_CONNECTIONS / connectionsOf(act.plan)));
      return arrayWork(() => statuses.push(judge(evidence).findings.map(({ id, status }) => [id, status])));
    }) as [number, number];
    const [expected, ...found] = [judge(act).findings.map(({ id, status }) => [id, status]), ...statuses];
    for (const each of found) expect(each).toEqual(expected);
    expect(work[0]).toBeGreaterThan(FEW_CONNECTIONS);
    expect(work[1] / work[0]).toBeLessThan(MOST);
  });
});
