import { describe, expect, it, vi } from 'vitest';
import { judged } from '../helpers/fixture.ts';
import { outcomeExpected, outcomeSeen, RECORDED } from './table.ts';

describe('recorded runs, judged again without running', () => {
  it.each(RECORDED)('%s is judged as the table says', async (scenario, acts) => {
    const result = await judged(scenario);
    expect(result.verdict).toBe('pass');
    for (const [name, expected] of Object.entries(acts)) {
      const act = result.acts.find((candidate) => candidate.name === name);
      expect(act && { name, ...outcomeSeen(act.outcome, expected) }).toEqual({ name, ...outcomeExpected(expected, 2) });
    }
  });

  it('is judged the same at another time, in another zone and language, with other random numbers', async () => {
    const here = await judged('rebalance');
    vi.useFakeTimers({ now: new Date('2071-02-03T04:05:06Z'), toFake: ['Date', 'performance'] });
    vi.stubEnv('TZ', 'Pacific/Kiritimati');
    vi.stubEnv('LANG', 'tr_TR.UTF-8');
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    try {
      expect(await judged('rebalance')).toEqual(here);
    } finally {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
      vi.useRealTimers();
    }
  });
});
