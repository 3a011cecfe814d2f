import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runScenario } from '../../../src/cli/run-scenario.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { netns } from '../../../src/engines/netns/engine.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { SCENARIOS } from '../../../src/plan/catalogue.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import { commandOf, descendants, start, until } from '../../helpers/cli.ts';
import { patientFor, secretly } from '../../helpers/secretly.ts';

const runsFolder = mkdtempSync(join(tmpdir(), 'idlelab-test-lab-'));
afterAll(() => rmSync(runsFolder, { recursive: true, force: true }));

async function verdicts(scenario: string, engine: Engine) {
  const plan = await planScenario(SCENARIOS.path(scenario), 'compressed', KNOWN);
  const { signal } = new AbortController();
  const { result } = await runScenario(plan, { engine, runsFolder, onMessage: () => {}, signal });
  return { verdict: result.verdict, acts: Object.fromEntries(result.acts.map((act) => [act.name, act.verdict])) };
}

describe('a balancer that is secretly configured otherwise', () => {
  it.concurrent('remembers for an hour: rebalance fails, in the broken act and in the fixed one', async () => {
    expect(await verdicts('rebalance', secretly(netns, patientFor(3600)))).toEqual({
      verdict: 'fail',
      acts: { broken: 'fail', fixed: 'fail' },
    });
  });
  it.concurrent('a proxy that waits for an hour: proxy-close fails in every act', async () => {
    expect(await verdicts('proxy-close', secretly(netns, patientFor(3600)))).toEqual({
      verdict: 'fail',
      acts: { broken: 'fail', keepalive: 'fail', fixed: 'fail' },
    });
  });
  it.concurrent('resets instead of balancing anew: rebalance fails in the broken act', async () => {
    const engine = secretly(netns, (plan) => {
      for (const act of plan.acts)
        for (const host of act.hosts) if (host.role === 'middlebox') host.playedBy = { conntrack: 'reset-sender' };
    });
    expect(await verdicts('rebalance', engine)).toMatchObject({
      verdict: 'fail',
      acts: { broken: 'fail', fixed: 'pass' },
    });
  });
  it.concurrent('a server that secretly has keepalive: lost-fin fails', async () => {
    const engine = secretly(netns, (plan) => {
      for (const act of plan.acts) act.tuning.db = { keepalive: { idleSeconds: 300 } };
    });
    expect(await verdicts('lost-fin', engine)).toMatchObject({
      verdict: 'fail',
      acts: { broken: 'fail', crash: 'fail', fixed: 'fail' },
    });
  });
});

describe('the wrong broker is certain', () => {
  it.concurrent.each([1, 100])('with %i connections', async (connections) => {
    const plan = await planScenario(SCENARIOS.path('rebalance'), 'compressed', KNOWN);
    plan.acts = plan.acts.slice(0, 1);
    for (const act of plan.acts)
      for (const host of act.hosts) if (host.role === 'client') host.connections = connections;
    const { signal } = new AbortController();
    const { result, folder } = await runScenario(plan, { engine: netns, runsFolder, onMessage: () => {}, signal });
    const [act] = result.acts;
    expect(act?.findings.map(({ id, status, observed }) => (status === 'pass' ? id : observed))).toEqual([
      'flows-forgotten',
      'late-packet-reset',
      'zombies',
    ]);
    expect(act?.outcome).toMatchObject({ requestsAfterQuiet: { reset: connections }, lostMessages: 0 });
    // A new connection that by chance has the port of an old one, and is led to the same broker, ends the old one's socket.
    const ports = readFileSync(join(folder, 'events.ndjson'), 'utf8')
      .split('\n')
      .flatMap((line) => /"event":"connect".*"local":"([^"]+)"/.exec(line)?.[1] ?? []);
    const again = ports.length - new Set(ports).size;
    expect(act?.outcome.zombies.server).toBeLessThanOrEqual(connections);
    expect(act?.outcome.zombies.server).toBeGreaterThanOrEqual(connections - again);
  });
});

describe('a service that dies during a run', () => {
  it.each([
    [
      'redis-server',
      'reset',
      /redis on mq-[12] died during the run \(signal SIGKILL\); its last lines:\n[\s\S]*Ready to accept connections/,
    ],
    ['haproxy', 'proxy-close', /haproxy on proxy died during the run \(signal SIGKILL\)/],
    ['the client', 'reset', /the client agent on pool died during the run \(signal SIGKILL\)/],
  ])(
    '%s: the run is inconclusive and says which, with its last lines if it had any',
    async (program, scenario, message) => {
      const started = start([scenario, '--reporter', 'json', '--runs', runsFolder]);
      await until(() => started.stderr().includes('quiet for'));
      const family = descendants(started.child.pid as number);
      const victim =
        program === 'the client'
          ? family.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('services/client/agent'))
          : family.find((pid) => commandOf(pid) === program);
      if (victim === undefined) throw new Error(`no ${program} among the lab's processes`);
      process.kill(victim, 'SIGKILL');
      const { code, stdout } = await started.ended;
      expect(code).toBe(2);
      const result = JSON.parse(stdout);
      expect(result).toMatchObject({ verdict: 'inconclusive', problem: { code: 'SERVICE_DIED' } });
      expect(result.problem.message).toMatch(message);
    },
  );
});
