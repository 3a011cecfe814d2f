import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetSeconds, deathInFlight } from '../../src/model/retransmission.ts';

describe('tcp_retries2', () => {
  // Documentation/networking/ip-sysctl.rst names the last: "a hypothetical timeout of 924.6 seconds".
  it.each([
    [3, 3.0],
    [5, 12.6],
    [6, 25.4],
    [7, 51.0],
    [8, 102.2],
    [9, 204.6],
    [10, 324.6],
    [12, 564.6],
    [15, 924.6],
  ])('%i stands for %f s', (retries, seconds) => {
    expect(budgetSeconds(retries)).toBeCloseTo(seconds, 6);
  });

  it('is a lower bound: the socket is given up at the first time-out after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (retries) => {
        const { from, to } = deathInFlight({ retries });
        expect(from).toBeGreaterThan(budgetSeconds(retries) * 0.95);
        expect(to).toBeGreaterThan(from);
      }),
    );
  });

  it('never gives up later when it is smaller', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (retries) => {
        expect(deathInFlight({ retries }).to).toBeLessThanOrEqual(deathInFlight({ retries: retries + 1 }).to);
      }),
    );
  });

  it('2, as black-hole has it at the compressed pace, gives up after 3.34 s, as was measured', () => {
    const { from, to } = deathInFlight({ retries: 2 });
    expect(3.34).toBeGreaterThanOrEqual(from);
    expect(3.34).toBeLessThanOrEqual(to);
  });
});

describe('a user timeout', () => {
  it('takes the budget’s place: 6 s gave up after 7.1 s, as was measured', () => {
    const { from, to } = deathInFlight({ retries: 15, userTimeoutSeconds: 6 });
    expect(7.1).toBeGreaterThanOrEqual(from);
    expect(7.1).toBeLessThanOrEqual(to);
  });
});
