import { describe, expect, it } from 'vitest';
import type { ActFacts } from '../../src/judge/facts.ts';
import { buildLadders } from '../../src/judge/ladder.ts';
import type { Finding, Ladder } from '../../src/judge/result.ts';
import { factsOf } from '../helpers/fixture.ts';

/** Of an act with one path. */
const ladderOf = (facts: ActFacts, findings: readonly Finding[]) => buildLadders(facts, findings)[0] as Ladder;

describe('a ladder', () => {
  it('folds a library’s greeting by what the step did, not by how it is worded', () => {
    const rows = (text?: string) =>
      ladderOf(
        factsOf('reset', 'broken', ({ record }) => {
          if (text !== undefined) for (const step of record.steps) step.text = text;
        }),
        [],
      ).rows.filter(({ kind }) => kind !== 'step');
    const usual = rows();
    expect(usual.some((row) => row.kind === 'fold' && row.text.endsWith('the client library’s greeting'))).toBe(true);
    expect(rows('a step')).toEqual(usual);
    expect(rows('web opens nothing')).toEqual(usual);
  });
  it('says nothing of a middlebox whose table was not looked at', () => {
    const { rows } = ladderOf(
      factsOf('reset', 'broken', (evidence) => {
        evidence.flowTables = [];
      }),
      [],
    );
    const states = rows.flatMap((row) => (row.kind === 'states' ? [Object.keys(row.states)] : []));
    expect(states.length).toBeGreaterThan(0);
    for (const hosts of states) expect(hosts).not.toContain('balancer');
  });
  it('gives a look a row where a state changed, not where a timer ran', () => {
    const times = (expiresIn?: (look: number) => number | undefined) =>
      ladderOf(
        factsOf('rebalance', 'fixed', ({ flowTables }) => {
          if (expiresIn === undefined) return;
          for (const [look, { flows }] of flowTables.entries())
            for (const flow of flows) {
              const left = expiresIn(look);
              if (left === undefined) delete flow.expiresIn;
              else flow.expiresIn = left;
            }
        }),
        [],
      ).rows.flatMap((row) => (row.kind === 'states' ? [row.at] : []));
    expect(times().length).toBeGreaterThan(1);
    expect(times((look) => look)).toEqual(times());
    // A kernel that does not say how long a flow lives on tells of the same flow.
    expect(times((look) => (look % 2 === 0 ? look : undefined))).toEqual(times());
  });
  it('names the hosts on which an end is a zombie', () => {
    const rows = (act: string) => ladderOf(factsOf('rebalance', act), []).rows;
    const last = (act: string) => rows(act).findLast((row) => row.kind === 'states');
    expect(last('broken')).toMatchObject({ zombies: ['mq-1'], states: { 'mq-1': 'ZOMBIE+ESTAB' } });
    expect(last('fixed')).not.toHaveProperty('zombies');
  });
});
