import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell, Side } from '../../src/model/predict.ts';
import { questionsOf, trialOf } from '../../src/plan/trial.ts';
import { changeSeconds, momentsOf } from '../../src/stage/bench/schedule.ts';

const side: fc.Arbitrary<Side> = fc
  .tuple(
    fc.boolean(),
    fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
    fc.integer({ min: 1, max: 900 }),
  )
  .map(([keeps, heartbeatSeconds, idleSeconds]) => ({
    keepalive: keeps ? { idleSeconds, intervalSeconds: 10, probes: 9 } : 'off',
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
  }));

describe('the moments of a trial', () => {
  it('come in their order and to an end, whoever keeps the connection alive', () => {
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 4000 }),
        fc.constantFrom('L4', 'L7'),
        (client, server, timeoutSeconds, layer) => {
          const cell: Cell = {
            client,
            server,
            middlebox: { layer, timeoutSeconds, atExpiry: 'forgets', latePacket: 'drop' },
            quietSeconds: 28_800,
            hz: 250,
          };
          const trials = questionsOf(cell, { lost: [1, 2, 3], outages: [10, 60, 300] }).map((question) =>
            trialOf(cell, { conntrack: 'drop' }, question, 1, 1),
          );
          const changeAt = changeSeconds(trials, 250);
          for (const trial of trials) {
            const { openAt, changeAt: change, mendAt, askAt, lookAt, untilAt } = momentsOf(trial, changeAt, 250);
            const times = [openAt, change, mendAt, askAt, lookAt, untilAt].filter((time) => time !== undefined);
            expect([trial.key, times.every((time) => Number.isFinite(time) && time >= 0)]).toEqual([trial.key, true]);
            for (const later of [change, mendAt, askAt, lookAt, untilAt])
              expect(later ?? openAt).toBeGreaterThanOrEqual(openAt);
          }
        },
      ),
    );
  });
});
