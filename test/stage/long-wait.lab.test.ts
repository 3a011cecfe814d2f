import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { netns } from '../../src/engines/netns/engine.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-long-wait-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Longer than a timer of Node, 2^31 - 1 ms. */
const MONTH_SECONDS = 30 * 24 * 3600;

it('a quiet of 30 days is not over at once', async () => {
  const plan = await planScenario(SCENARIOS.path('rebalance'), 'compressed', KNOWN);
  plan.acts = plan.acts.slice(0, 1);
  // Before the long wait there is a look when the box has forgotten.
  for (const host of plan.acts[0]?.hosts ?? []) if (host.role === 'middlebox') host.timers.idleSeconds = 1;
  for (const step of plan.acts[0]?.timeline ?? []) if (step.kind === 'quiet') step.seconds = MONTH_SECONDS;
  const stop = new AbortController();
  const waits: (number | undefined)[] = [];
  let quiet: () => void = () => {};
  const asleep = new Promise<void>((resolve) => {
    quiet = resolve;
  });
  const staged = netns.run(plan, join(scratch, 'run'), {
    signal: stop.signal,
    onMessage: (message) => {
      if (message.type === 'step') waits.push(message.waitSeconds);
      if (waits.includes(MONTH_SECONDS)) quiet();
    },
  });
  const failed = staged.then(
    () => 'played to its end',
    () => 'stopped',
  );
  await Promise.race([asleep, failed]);
  // After the quiet its client would send, and be watched, which takes longer than this only on a very slow machine.
  await Promise.race([pause(4000), failed]);
  expect(waits.at(-1)).toBe(MONTH_SECONDS);
  stop.abort();
  expect(await failed).toBe('stopped');
});
