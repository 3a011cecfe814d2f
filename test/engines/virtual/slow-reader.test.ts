import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Slots } from '../../../src/base/slots.ts';
import { virtual } from '../../../src/engines/virtual/engine.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import { kernelsBuilt } from '../../helpers/kernels.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-slow-reader-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const DAY_SECONDS = 24 * 3600;
/** As long as judging and writing a large run takes; the lab tells the minutes of a day in less. */
const BUSY_MS = 5000;
const scenario = join(scratch, 'day.yaml');
writeFileSync(
  scenario,
  `# A day of quiet.
title: A day
params: { day: { production: 24h, compressed: 5s } }
hosts:
  pool: { client: ioredis }
  balancer: { middlebox: l4-reset }
  mq: { broker: redis }
timeline:
  - pool: connect
  - quiet: $day
  - observe: 1s
acts:
  quiet:
    tuning: { pool: { keepalive: off }, mq: { keepalive: off } }
    expect: [ flows-forgotten ]
`,
);

describe.runIf(kernelsBuilt)('while nobody reads what the lab tells', () => {
  it('its clock does not run on: every step lasts as long as planned, and nothing told is lost', async () => {
    const minutes: number[] = [];
    const plan = await planScenario(scenario, 'production', KNOWN);
    await using staged = await virtual(250, new Slots(1)).run(plan, join(scratch, 'run'), {
      signal: new AbortController().signal,
      onMessage: (message) => {
        if (message.type === 'clock') minutes.push(message.time);
        // The thread that reads is busy, as it is while another run is judged.
        if (message.type === 'step' && message.waitSeconds === DAY_SECONDS)
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
      },
    });
    expect(staged.problem).toBeUndefined();
    const lengths = staged.acts[0]?.steps.map(({ from, to }) => Math.round(to - from));
    expect(lengths).toEqual([0, DAY_SECONDS, 1]);
    // Timers of a minute fire up to 0.1 s late (epoll's slack).
    const gaps = minutes.slice(1).map((time, index) => time - (minutes[index] as number));
    expect(gaps.filter((gap) => gap > 65)).toEqual([]);
    expect(minutes.length).toBeGreaterThan(DAY_SECONDS / 65);
  });
});
