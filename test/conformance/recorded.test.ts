import { describe, expect, it } from 'vitest';
import { judged, recorded } from '../helpers/fixture.ts';
import { outcomeExpected, outcomeSeen, REAL_TIME } from './table.ts';

describe('recorded runs, judged again without running', () => {
  it.each(REAL_TIME)('%s is judged as the table says', async (scenario, acts) => {
    const result = await judged(scenario);
    expect(result.verdict).toBe('pass');
    for (const [name, expected] of Object.entries(acts)) {
      const act = result.acts.find((candidate) => candidate.name === name);
      expect(act && { name, ...outcomeSeen(act.outcome, expected) }).toEqual({ name, ...outcomeExpected(expected, 2) });
    }
  });

  it('is judged the same every time: nothing in a result depends on the moment of judging', async () => {
    expect(await judged('rebalance')).toEqual(await judged('rebalance'));
    expect(recorded('rebalance').frames.length).toBeGreaterThan(100);
  });
});
