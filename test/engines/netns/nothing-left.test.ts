import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descendants, isAlive, run, start, until } from '../../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-left-'));
chmodSync(scratch, 0o777);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const scenario = join(scratch, 'short.yaml');
writeFileSync(
  scenario,
  `# Long enough to be killed at any moment of a run: the lab's start, its steps, its end and the report.
title: Short
hosts:
  app: { client: ioredis, connections: 3 }
  balancer: { middlebox: l4-reset-both, idleTimeout: 60s }
  mq: { broker: redis, count: 2 }
timeline:
  - app: connect
  - app: request
  - quiet: 500ms
acts:
  one: { expect: [ { zombies: { at: mq, exactly: 0 } } ] }
  two: { expect: [ { zombies: { at: mq, exactly: 0 } } ] }
`,
);

const output = (program: string, ...args: string[]) => {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return String(error);
  }
};

const SYSCTLS = [
  'net/ipv4/ip_forward',
  'net/ipv4/tcp_retries2',
  'net/ipv4/tcp_orphan_retries',
  'net/ipv4/tcp_keepalive_time',
];

/** Everything of this machine that a lab could have touched. */
function machine(): Record<string, unknown> {
  return {
    namespaces: output('ip', 'netns', 'list'),
    links: output('ip', '-br', 'link'),
    addresses: output('ip', '-br', 'address'),
    routes: output('ip', 'route'),
    rules: output('nft', 'list', 'ruleset'),
    mounts: readFileSync('/proc/self/mounts', 'utf8'),
    sysctls: SYSCTLS.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8')),
    temporary: readdirSync(tmpdir()).filter((name) => name.startsWith('idlelab-') && !name.startsWith('idlelab-test-')),
  };
}

let before: Record<string, unknown>;
beforeAll(() => {
  before = machine();
});

const runsOf = (folder: string): string[] => {
  try {
    return readdirSync(join(folder, 'short'));
  } catch {
    return [];
  }
};

describe('nothing is left on the machine', () => {
  it('after a run that came to its end', async () => {
    const { code, stderr } = await run([scenario, '--runs', join(scratch, 'whole')]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(machine()).toEqual(before);
  });

  it('after Ctrl-C: exit 130, no run', async () => {
    const started = start([scenario, '--runs', join(scratch, 'interrupted')]);
    await until(() => started.stderr().includes('quiet'));
    const family = descendants(started.child.pid as number);
    expect(family.length).toBeGreaterThan(5);
    started.child.kill('SIGINT');
    expect((await started.ended).code).toBe(130);
    await until(() => family.every((pid) => !isAlive(pid)), 5000);
    expect(runsOf(join(scratch, 'interrupted'))).toEqual([]);
    expect(machine()).toEqual(before);
  });

  // A run takes about three seconds; moments are spread over all of it, each a little after the start of its twentieth.
  it.each(Array.from({ length: 20 }, (_, index) => index))(
    'after SIGKILL or SIGINT at moment %i of 20',
    async (index) => {
      const runs = join(scratch, `killed-${index}`);
      const started = start([scenario, '--runs', runs]);
      const signal = index % 2 === 0 ? 'SIGKILL' : 'SIGINT';
      const pid = started.child.pid as number;
      const family = new Set<number>();
      const end = Date.now() + Math.round((index + Math.random()) * 170);
      while (Date.now() < end) {
        for (const each of descendants(pid)) family.add(each);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      started.child.kill(signal);
      const { code, signal: endedBy } = await started.ended;
      expect([0, 130, null]).toContain(code);
      if (code === null) expect(endedBy).toBe(signal);
      await until(() => [...family].every((each) => !isAlive(each)), 5000);
      for (const name of runsOf(runs)) {
        expect(name).not.toMatch(/^\.partial/);
        expect(readdirSync(join(runs, 'short', name))).toContain('result.json');
      }
      expect(machine()).toEqual(before);
    },
  );
});
