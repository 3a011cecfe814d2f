import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HZ } from '../../src/base/hz.ts';
import type { Certainty } from '../../src/model/interval.ts';
import { libuv } from '../../src/model/keepalive.ts';
import { type Cell, type Met, type Middlebox, outlivesOutage, predict, type Side } from '../../src/model/predict.ts';

const NIGHT = 8 * 3600;
const off: Side = { keepalive: 'off' };
const box = (latePacket: Middlebox['latePacket'], more: Partial<Middlebox> = {}): Middlebox => ({
  layer: 'L4',
  timeoutSeconds: 350,
  atExpiry: 'forgets',
  latePacket,
  ...more,
});
const proxy = box('closed', { layer: 'L7', atExpiry: 'close-both', timeoutSeconds: 60 });
const cell = (client: Side, middlebox: Middlebox, server: Side = off): Cell => ({
  client,
  server,
  middlebox,
  quietSeconds: NIGHT,
  hz: 250,
});

/** What the scenarios show on the real kernel (test/conformance/table.ts), predicted. */
describe('the acts of the scenarios', () => {
  it.each<[string, Cell, Met, Certainty]>([
    ['rebalance, broken', cell(off, box('rebalance')), 'reset', 'yes'],
    ['rebalance, fixed', cell({ keepalive: libuv(100) }, box('rebalance')), 'ok', 'no'],
    ['reset, broken', cell(off, box('reset-sender')), 'reset', 'yes'],
    ['reset-both', cell(off, box('reset-sender', { atExpiry: 'reset-both' })), 'reopened', 'no'],
    ['black-hole, broken', cell(off, box('drop')), 'timeout', 'yes'],
    ['proxy-close, broken', cell(off, proxy), 'reopened', 'no'],
    ['proxy-close, keepalive', cell({ keepalive: libuv(1) }, proxy), 'reopened', 'no'],
    ['proxy-close, fixed', cell({ keepalive: 'off', heartbeatSeconds: 20 }, proxy), 'ok', 'no'],
  ])('%s', (_, given, met, zombie) => {
    const { firstRequest, zombie: left } = predict(given);
    expect([...firstRequest]).toEqual([met]);
    expect(left).toBe(zombie);
  });

  it('keepalive-too-late: 340 s under 350 s cannot be told, for the wheel decides; 333 s is in time', () => {
    const late = predict(cell({ keepalive: libuv(340) }, box('rebalance')));
    // Who was reset in the night has opened another by the morning.
    expect([...late.firstRequest].sort()).toEqual(['ok', 'reopened', 'reset']);
    expect(late.survives).toBe('maybe');
    expect(predict(cell({ keepalive: libuv(333) }, box('rebalance'))).survives).toBe('yes');
  });

  it('black-hole: without a command time-out it takes a quarter of an hour until anybody knows', () => {
    const { timeoutSeconds } = predict(cell(off, box('drop')));
    expect(timeoutSeconds.from).toBeGreaterThan(900);
    expect(timeoutSeconds.to).toBeLessThan(1200);
    const { timeoutSeconds: own } = predict(cell({ ...off, commandTimeoutSeconds: 5 }, box('drop')));
    expect(own).toEqual({ from: 5, to: 5 });
  });
});

describe('traps', () => {
  it('a heartbeat without a time-out of its own leaves a dead peer to retransmission, keepalive or not', () => {
    const side: Side = { keepalive: libuv(100), heartbeatSeconds: 30 };
    expect(predict(cell(side, box('drop'))).deadPeer.client.idle.to).toBeGreaterThan(900);
    const { idle } = predict(cell({ ...side, heartbeatTimeoutSeconds: 5 }, box('drop'))).deadPeer.client;
    expect(idle).toEqual({ from: 5, to: 35 });
  });
  it('Node’s ten probes, one second apart, do not outlive an outage of a minute for certain', () => {
    const { outage } = predict(cell({ keepalive: libuv(100) }, box('drop')));
    expect([outage[10], outage[60], outage[300]]).toEqual(['maybe', 'maybe', 'no']);
  });
  it('a pool that closes idle connections before the balancer forgets them meets nothing', () => {
    const { firstRequest, zombie } = predict(cell({ ...off, poolIdleSeconds: 300 }, box('drop')));
    expect([[...firstRequest], zombie]).toEqual([['reopened'], 'no']);
  });
  it('a pool that closes them later opens new ones too, but its FIN comes too late for the server', () => {
    const { firstRequest, zombie } = predict(cell({ ...off, poolIdleSeconds: 600 }, box('drop')));
    expect([[...firstRequest], zombie]).toEqual([['reopened'], 'yes']);
  });
});

const side: fc.Arbitrary<Side> = fc.record({
  keepalive: fc.oneof(
    fc.constant('off' as const),
    fc.record({
      idleSeconds: fc.integer({ min: 1, max: 9000 }),
      intervalSeconds: fc.integer({ min: 1, max: 100 }),
      probes: fc.integer({ min: 1, max: 20 }),
    }),
  ),
});
const middlebox: fc.Arbitrary<Middlebox> = fc
  .tuple(fc.constantFrom('reset-sender', 'drop', 'rebalance'), fc.integer({ min: 10, max: 9000 }))
  .map(([latePacket, timeoutSeconds]) => box(latePacket as Middlebox['latePacket'], { timeoutSeconds }));
const cells: fc.Arbitrary<Cell> = fc.record({
  client: side,
  server: side,
  middlebox,
  quietSeconds: fc.integer({ min: 1, max: NIGHT }),
  hz: fc.constantFrom(...HZ),
});

const RANK: Record<Certainty, number> = { no: 0, maybe: 1, yes: 2 };
const beating: fc.Arbitrary<Side> = fc
  .tuple(
    side,
    fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
    fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
  )
  .map(([settings, heartbeatSeconds, heartbeatTimeoutSeconds]) => ({
    ...settings,
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
    ...(heartbeatSeconds === undefined || heartbeatTimeoutSeconds === undefined ? {} : { heartbeatTimeoutSeconds }),
  }));
const allCells: fc.Arbitrary<Cell> = fc
  .tuple(cells, beating, beating)
  .map(([given, client, server]) => ({ ...given, client, server }));

describe('what makes things worse', () => {
  it('losing more packets in a row is never outlived better than losing fewer', () => {
    fc.assert(
      fc.property(allCells, (given) => {
        const { survives, survivesLost } = predict(given);
        const ranks = [survives, ...survivesLost].map((each) => RANK[each]);
        expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
      }),
      { numRuns: 500 },
    );
  });
  it('a longer outage is never outlived better than a shorter one', () => {
    fc.assert(
      fc.property(
        allCells,
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 3000 }),
        (given, one, other) => {
          const [short, long] = [Math.min(one, other), Math.max(one, other)];
          expect(RANK[outlivesOutage(given, long)]).toBeLessThanOrEqual(RANK[outlivesOutage(given, short)]);
        },
      ),
      { numRuns: 500 },
    );
  });
  it('a heartbeat as long as the idle timeout takes nothing from a keepalive that is shorter', () => {
    const beside = (timeoutSeconds: number) =>
      predict({
        client: { keepalive: { idleSeconds: 1, intervalSeconds: 1, probes: 1 } },
        server: { keepalive: 'off', heartbeatSeconds: 20 },
        middlebox: { layer: 'L4', timeoutSeconds, atExpiry: 'forgets', latePacket: 'reset-sender' },
        quietSeconds: 20,
        hz: 250,
      }).survives;
    expect([15, 20, 25].map(beside)).toEqual(['yes', 'yes', 'yes']);
  });
  it('a middlebox that remembers longer never forgets more', () => {
    fc.assert(
      fc.property(allCells, fc.integer({ min: 1, max: 5000 }), (given, more) => {
        const patient = {
          ...given,
          middlebox: { ...given.middlebox, timeoutSeconds: given.middlebox.timeoutSeconds + more },
        };
        expect(RANK[predict(patient).survives]).toBeGreaterThanOrEqual(RANK[predict(given).survives]);
      }),
      { numRuns: 500 },
    );
  });
  it('a time-out for a heartbeat’s reply never lets a dead peer be noticed later', () => {
    fc.assert(
      fc.property(allCells, fc.integer({ min: 1, max: 300 }), (given, heartbeatTimeoutSeconds) => {
        if (given.client.heartbeatSeconds === undefined) return;
        const { heartbeatTimeoutSeconds: _, ...without } = given.client;
        const [bare, told] = [without, { ...without, heartbeatTimeoutSeconds }].map(
          (client) => predict({ ...given, client }).deadPeer.client.idle,
        );
        expect(told?.to).toBeLessThanOrEqual(bare?.to as number);
      }),
      { numRuns: 500 },
    );
  });
});

describe('every prediction', () => {
  it('names something that the first request meets, and a time-out’s length where it may meet one', () => {
    fc.assert(
      fc.property(cells, (given) => {
        const { firstRequest, timeoutSeconds } = predict(given);
        expect(firstRequest.size).toBeGreaterThan(0);
        expect(Number.isFinite(timeoutSeconds.to)).toBe(firstRequest.has('timeout'));
      }),
    );
  });
  it('says "ok" alone exactly where the connection survives', () => {
    fc.assert(
      fc.property(cells, (given) => {
        const { firstRequest, survives } = predict(given);
        expect(firstRequest.size === 1 && firstRequest.has('ok')).toBe(survives === 'yes');
      }),
    );
  });
  it('leaves no zombie where the connection survives', () => {
    fc.assert(
      fc.property(cells, (given) => {
        const { survives, zombie } = predict(given);
        if (survives === 'yes') expect(zombie).toBe('no');
      }),
    );
  });
  it('does not depend on what a late packet would meet, as to whether there is one', () => {
    fc.assert(
      fc.property(cells, (given) => {
        const other = { ...given, middlebox: { ...given.middlebox, latePacket: 'drop' as const } };
        expect(predict(other).survives).toBe(predict(given).survives);
      }),
    );
  });
});
