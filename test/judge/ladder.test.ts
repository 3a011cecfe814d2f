import { describe, expect, it } from 'vitest';
import { buildLadder } from '../../src/judge/ladder.ts';
import { factsOf } from '../helpers/fixture.ts';

describe('a ladder', () => {
  it('folds a library’s greeting by what the step did, not by how it is worded', () => {
    const rows = (text?: string) =>
      buildLadder(
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
    const { rows } = buildLadder(
      factsOf('reset', 'broken', (evidence) => {
        evidence.flowTables = [];
      }),
      [],
    );
    const states = rows.flatMap((row) => (row.kind === 'states' ? [Object.keys(row.states)] : []));
    expect(states.length).toBeGreaterThan(0);
    for (const hosts of states) expect(hosts).not.toContain('balancer');
  });
});
