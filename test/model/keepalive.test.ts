import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HZ } from '../../src/base/hz.ts';
import type { Certainty } from '../../src/model/interval.ts';
import {
  costAnHour,
  deathOfIdle,
  KERNEL_DEFAULT,
  type Keepalive,
  keptAlive,
  libuv,
  probeTime,
  survivesOutage,
} from '../../src/model/keepalive.ts';

const hz = fc.constantFrom(...HZ);
const keepalive: fc.Arbitrary<Keepalive> = fc.record({
  idleSeconds: fc.integer({ min: 1, max: 9000 }),
  intervalSeconds: fc.integer({ min: 1, max: 600 }),
  probes: fc.integer({ min: 1, max: 20 }),
});
const withUserTimeout = fc
  .tuple(keepalive, fc.integer({ min: 1, max: 9000 }))
  .map(([tuning, userTimeoutSeconds]) => ({ ...tuning, userTimeoutSeconds }));
const timeout = fc.integer({ min: 1, max: 9000 });
const DAY = 24 * 3600;
/** Measured times are told with one digit after the point. */
const ROUNDED = 0.05;
const RANK: Record<Certainty, number> = { no: 0, maybe: 1, yes: 2 };

describe('known moments', () => {
  it('a kernel as it comes gives up a dead peer after 2 h 11 min 15 s at the earliest, and by a few minutes later', () => {
    const { from, to } = deathOfIdle(KERNEL_DEFAULT, 250);
    expect(from).toBe(7200 + 9 * 75);
    expect(to).toBeLessThan(from + 131.1 + 9 * 2.1);
  });
  it('Node with 100 s gives it up ten seconds after the first probe', () => {
    expect(deathOfIdle(libuv(100), 250).from).toBe(110);
  });
  // Measured on a Linux kernel: 2/1/3 dead at 5.1 s; with a user timeout of 4 s, 2/1/9 at 4.1 s; of 12 s, 2/1/3 at 12.3 s.
  it.each([
    [{ idleSeconds: 2, intervalSeconds: 1, probes: 3 }, 5.1],
    [{ idleSeconds: 2, intervalSeconds: 1, probes: 9, userTimeoutSeconds: 4 }, 4.1],
    [{ idleSeconds: 2, intervalSeconds: 1, probes: 3, userTimeoutSeconds: 12 }, 12.3],
    // lost-fin, recorded: Redis's tcp-keepalive 3.
    [{ idleSeconds: 3, intervalSeconds: 1, probes: 3 }, 6.07],
  ])('%j gives up at %f s, as was measured', (tuning, measured) => {
    const { from, to } = deathOfIdle(tuning, 250);
    expect(measured + ROUNDED).toBeGreaterThanOrEqual(from);
    expect(measured - ROUNDED).toBeLessThanOrEqual(to);
  });
  it.each([
    [340, 250, 'maybe'],
    [333, 250, 'yes'],
    [340, 1000, 'maybe'],
    [317, 1000, 'yes'],
    [318, 1000, 'maybe'],
    [350, 250, 'maybe'],
    [351, 250, 'no'],
  ] as const)('a keepalive of %i s under 350 s at HZ %i: %s', (idleSeconds, rate, expected) => {
    expect(keptAlive(libuv(idleSeconds), { timeoutSeconds: 350 }, { quietSeconds: 8 * 3600, hz: rate })).toBe(expected);
  });
});

describe('a keepalive', () => {
  it('never survives worse when it begins earlier', () => {
    fc.assert(
      fc.property(
        keepalive,
        timeout,
        fc.integer({ min: 1, max: 9000 }),
        hz,
        (tuning, timeoutSeconds, earlier, rate) => {
          const idleSeconds = Math.min(tuning.idleSeconds, earlier);
          const [late, early] = [tuning, { ...tuning, idleSeconds }].map((each) =>
            keptAlive(each, { timeoutSeconds }, { quietSeconds: DAY, hz: rate }),
          ) as [Certainty, Certainty];
          expect(RANK[early]).toBeGreaterThanOrEqual(RANK[late]);
        },
      ),
    );
  });
  it('never survives better when more of its probes get lost', () => {
    fc.assert(
      fc.property(keepalive, timeout, fc.nat(5), hz, (tuning, timeoutSeconds, lost, rate) => {
        const [some, more] = [lost, lost + 1].map((count) =>
          keptAlive(tuning, { timeoutSeconds }, { quietSeconds: DAY, lost: count, hz: rate }),
        ) as [Certainty, Certainty];
        expect(RANK[more]).toBeLessThanOrEqual(RANK[some]);
      }),
    );
  });
  it('never survives worse under a more patient middlebox', () => {
    fc.assert(
      fc.property(keepalive, timeout, fc.nat(1000), hz, (tuning, timeoutSeconds, more, rate) => {
        const [short, long] = [timeoutSeconds, timeoutSeconds + more].map((each) =>
          keptAlive(tuning, { timeoutSeconds: each }, { quietSeconds: DAY, hz: rate }),
        ) as [Certainty, Certainty];
        expect(RANK[long]).toBeGreaterThanOrEqual(RANK[short]);
      }),
    );
  });
  it('is of no use, and does no harm, in a quiet shorter than the middlebox’s patience', () => {
    fc.assert(
      fc.property(keepalive, timeout, hz, (tuning, timeoutSeconds, rate) => {
        for (const each of [tuning, 'off'] as const)
          expect(keptAlive(each, { timeoutSeconds }, { quietSeconds: timeoutSeconds - 0.5, hz: rate })).toBe('yes');
      }),
    );
  });
  it('notices a dead peer no later when it has fewer probes', () => {
    fc.assert(
      fc.property(keepalive, hz, (tuning, rate) => {
        const [fewer, more] = [tuning, { ...tuning, probes: tuning.probes + 1 }].map((each) => deathOfIdle(each, rate));
        expect(fewer?.from).toBeLessThanOrEqual(more?.from as number);
        expect(fewer?.to).toBeLessThanOrEqual(more?.to as number);
      }),
    );
  });
  it('survives an outage no worse when it has more probes', () => {
    fc.assert(
      fc.property(keepalive, fc.integer({ min: 1, max: 20_000 }), hz, (tuning, outage, rate) => {
        const [fewer, more] = [tuning, { ...tuning, probes: tuning.probes + 1 }].map((each) =>
          survivesOutage(each, outage, rate),
        ) as [Certainty, Certainty];
        expect(RANK[more]).toBeGreaterThanOrEqual(RANK[fewer]);
      }),
    );
  });
  it('that certainly kills a connection in an outage would have noticed a dead peer within it and an interval', () => {
    fc.assert(
      fc.property(keepalive, fc.integer({ min: 1, max: 20_000 }), hz, (tuning, outage, rate) => {
        if (survivesOutage(tuning, outage, rate) !== 'no') return;
        const { from } = deathOfIdle(tuning, rate);
        expect(from).toBeLessThanOrEqual(outage + tuning.intervalSeconds);
      }),
    );
  });
  it('costs no more when it begins later', () => {
    fc.assert(
      fc.property(keepalive, fc.nat(5000), hz, (tuning, more, rate) => {
        const later = costAnHour({ ...tuning, idleSeconds: tuning.idleSeconds + more }, rate);
        const sooner = costAnHour(tuning, rate);
        expect(later.bytes.from).toBeLessThanOrEqual(sooner.bytes.from);
        expect(later.bytes.to).toBeLessThanOrEqual(sooner.bytes.to);
      }),
    );
  });
});

describe('a user timeout', () => {
  it('makes the probe count mean nothing', () => {
    fc.assert(
      fc.property(withUserTimeout, fc.integer({ min: 1, max: 100 }), hz, (tuning, probes, rate) => {
        expect(deathOfIdle({ ...tuning, probes }, rate)).toEqual(deathOfIdle(tuning, rate));
      }),
    );
  });
  it('never ends a socket before it is over, nor before one probe has waited for its answer', () => {
    fc.assert(
      fc.property(withUserTimeout, hz, (tuning, rate) => {
        const { from, to } = deathOfIdle(tuning, rate);
        expect(from).toBeGreaterThanOrEqual(tuning.userTimeoutSeconds);
        expect(from).toBeGreaterThanOrEqual(tuning.idleSeconds + tuning.intervalSeconds);
        expect(to).toBeGreaterThanOrEqual(from);
      }),
    );
  });
});

describe('probes', () => {
  it('follow each other by their interval at least, and an interval of time has its ends in order', () => {
    fc.assert(
      fc.property(keepalive, fc.integer({ min: 1, max: 20 }), hz, (tuning, k, rate) => {
        const [one, next] = [probeTime(tuning, k, rate), probeTime(tuning, k + 1, rate)];
        expect(next.from - one.from).toBeCloseTo(tuning.intervalSeconds, 6);
        expect(one.to).toBeGreaterThanOrEqual(one.from);
      }),
    );
  });
});
