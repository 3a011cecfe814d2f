import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PACES } from '../../src/base/pace.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS, TUNINGS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import { boxesOf } from '../../src/plan/plan.ts';

describe('a plan', () => {
  it('takes the values of its pace, and keeps the production values beside them', async () => {
    const compressed = await planScenario(SCENARIOS.path('rebalance'), 'compressed', KNOWN);
    const production = await planScenario(SCENARIOS.path('rebalance'), 'production', KNOWN);
    const [act, life] = [compressed.acts[1], production.acts[1]];
    if (!act || !life) throw new Error('two acts');
    expect(boxesOf(act)[0]?.timers).toEqual({ idleSeconds: 3 });
    expect(boxesOf(life)[0]?.timers).toEqual({ idleSeconds: 350 });
    expect(boxesOf(act)[0]?.productionTimers).toEqual({ idleSeconds: 350 });
    expect(act.productionQuietSeconds).toBe(28_800);
    expect(act.tuning).toEqual({ pool: { keepalive: { idleSeconds: 1 } }, mq: { keepalive: 'off' } });
    expect(act.productionTuning).toEqual(life.tuning);
  });

  it('numbers the brokers of a group, and leaves a single one its name', async () => {
    const names = async (scenario: string) =>
      (await planScenario(SCENARIOS.path(scenario), 'compressed', KNOWN)).acts[0]?.hosts.map(({ name }) => name);
    expect(await names('rebalance')).toEqual(['pool', 'balancer', 'mq-1', 'mq-2']);
    expect(await names('lost-fin')).toEqual(['app', 'firewall', 'db']);
  });

  it('lets an act change a parameter', async () => {
    const plan = await planScenario(SCENARIOS.path('lost-fin'), 'compressed', KNOWN);
    const endings = plan.acts.map(
      ({ timeline }) => timeline.map((step) => (step.kind === 'action' ? step.action : step.kind))[4],
    );
    expect(endings).toEqual(['close', 'crash', 'close']);
  });

  it('carries the opening comment of the file as its story', async () => {
    expect((await planScenario(SCENARIOS.path('rebalance'), 'compressed', KNOWN)).story).toMatch(
      /^A pool of message-queue connections/,
    );
  });

  it.each(TUNINGS.names())('the tuning %s says in its opening comment whose values it has', (name) => {
    const comment = /^(?:#.*\n)+/.exec(readFileSync(TUNINGS.path(name), 'utf8'))?.[0] ?? '';
    // The product and its version, as in "ioredis 5 as it comes".
    expect(comment).toMatch(/^# \w+ \d/);
  });
});

describe('every shipped scenario', () => {
  it.each(SCENARIOS.names().flatMap((name) => PACES.map((pace) => [name, pace] as const)))(
    '%s can be planned at the %s pace',
    async (name, pace) => {
      const plan = await planScenario(SCENARIOS.path(name), pace, KNOWN);
      expect(plan.acts.length).toBeGreaterThanOrEqual(2);
      expect(new Set(plan.acts.map((act) => act.name)).size).toBe(plan.acts.length);
      expect(plan.story).not.toBe('');
    },
  );
});
