import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { owner, parseOwner } from '../../../src/base/owner.ts';
import { containerEngine, OWNER_LABEL, RUN_LABEL } from '../../../src/engines/docker/client.ts';
import { createNetwork } from '../../../src/engines/docker/networks.ts';
import { sweep } from '../../../src/engines/docker/sweep.ts';
import { start, until } from '../../helpers/cli.ts';
import { containersThere, dockerode, ours } from '../../helpers/docker.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-docker-left-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const scenario = join(scratch, 'short.yaml');
writeFileSync(
  scenario,
  `# Long enough to be killed at any moment of a run.
title: Short
hosts:
  app: { client: ioredis, connections: 2 }
  balancer: { middlebox: l4-reset, idleTimeout: 60s }
  mq: { broker: redis, count: 2 }
timeline:
  - app: connect
  - app: request
  - quiet: 1s
acts:
  one: { expect: [ { zombies: { at: mq, exactly: 0 } } ] }
`,
);

const PATIENCE_MS = 60_000;
const play = (runs: string, ...more: string[]) =>
  start([scenario, '--engine', 'docker', '--runs', join(scratch, runs), ...more]);
const madeBy = (pid: number) => ours((owner) => parseOwner(owner)?.pid === pid);

async function gone(pid: number): Promise<string[]> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await madeBy(pid)).length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return madeBy(pid);
}

async function seen(pid: number, count: number): Promise<void> {
  for (let attempt = 0; attempt < 600 && (await madeBy(pid)).length < count; attempt++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

const runsIn = (runs: string): string[] => {
  try {
    return readdirSync(join(scratch, runs, 'short'));
  } catch {
    return [];
  }
};

describe.runIf(containersThere)('nothing is left on the container engine', () => {
  it('after two runs at once that came to their ends', async () => {
    const both = [play('a'), play('b')];
    for (const { child, ended } of both) {
      const { code, stderr } = await ended;
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      expect(await madeBy(child.pid as number)).toEqual([]);
    }
  });

  it('after a run whose server died', async () => {
    const started = play('died', '--reporter', 'json');
    await until(() => started.stderr().includes('quiet'), PATIENCE_MS);
    const engine = await dockerode();
    const name = (await madeBy(started.child.pid as number)).find((each) => each.endsWith('mq-1')) as string;
    const exec = await engine.getContainer(name.slice(1)).exec({ Cmd: ['pkill', '-KILL', 'redis-server'] });
    await exec.start({});
    const { code, stdout } = await started.ended;
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ problem: { code: 'SERVICE_DIED' } });
    expect(await madeBy(started.child.pid as number)).toEqual([]);
  });

  it('after a run whose container was taken away', async () => {
    const started = play('removed');
    await until(() => started.stderr().includes('quiet'), PATIENCE_MS);
    const engine = await dockerode();
    const name = (await madeBy(started.child.pid as number)).find((each) => each.endsWith('mq-2')) as string;
    await engine.getContainer(name.slice(1)).remove({ force: true });
    const { code, stderr } = await started.ended;
    expect([code, stderr]).toEqual([2, expect.stringMatching(/the container of mq-2 ended unexpectedly/)]);
    expect(await madeBy(started.child.pid as number)).toEqual([]);
  });

  it('after Ctrl-C: exit 130, no run', async () => {
    const started = play('interrupted');
    await until(() => started.stderr().includes('quiet'), PATIENCE_MS);
    started.child.kill('SIGINT');
    const { code } = await started.ended;
    expect(code).toBe(130);
    expect(await madeBy(started.child.pid as number)).toEqual([]);
    expect(runsIn('interrupted')).toEqual([]);
  });

  // Networks first, then containers, then services: one moment for each.
  it.each([1, 3, 6])('after SIGKILL, with %i things of it there', async (count) => {
    const started = play(`killed-${count}`);
    const pid = started.child.pid as number;
    await seen(pid, count);
    started.child.kill('SIGKILL');
    await started.ended;
    expect(await gone(pid)).toEqual([]);
    expect(runsIn(`killed-${count}`)).toEqual([]);
  });

  it('what even the guard could not take away goes at the next start', async () => {
    const client = await containerEngine();
    // A process of long ago, by a number that a process has now.
    const labels = { [RUN_LABEL]: 'left-over', [OWNER_LABEL]: JSON.stringify({ ...owner(), pid: 1, start: '0' }) };
    const { network, name } = await createNetwork(client, `idlelab-test-left-${process.pid}`, labels);
    await sweep(client);
    const engine = await dockerode();
    expect(await engine.listNetworks({ filters: { name: [name] } })).toEqual([]);
    await network.remove().catch(() => {});
  });
});
