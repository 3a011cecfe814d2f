import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

  /** A moment of a run, by what the run itself has said or written. */
  interface Moment {
    name: string;
    reached(stderr: string, runs: string): boolean;
  }
  const lines = (count: number): Moment => ({
    name: `line ${count} of its progress`,
    reached: (stderr) => stderr.split('\n').length > count,
  });
  const written = (file: string, phase: string): Moment => ({
    name: phase,
    reached: (_, runs) =>
      runsOf(runs).some((run) => run.startsWith('.partial') && existsSync(join(runs, 'short', run, file))),
  });
  const MOMENTS: Moment[] = [
    { name: 'its start', reached: () => true },
    ...Array.from({ length: 8 }, (_, index) => lines(index + 1)),
    written('run.json', 'judging'),
    written('capture.pcapng', 'writing reports'),
  ];
  const SIGNALS = ['SIGKILL', 'SIGINT'] as const;
  /** A signal may come when the run has just ended; then the moment is tried again. */
  const TRIES = 5;

  async function killAt(moment: Moment, signal: (typeof SIGNALS)[number], runs: string) {
    const started = start([scenario, '--runs', runs]);
    const family = new Set<number>();
    let over = false;
    started.child.once('exit', () => {
      over = true;
    });
    while (!over && !moment.reached(started.stderr(), runs)) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const each of descendants(started.child.pid as number)) family.add(each);
    started.child.kill(signal);
    const { code, signal: endedBy } = await started.ended;
    return { hit: endedBy === signal || code === 130, code, family };
  }

  it.each(MOMENTS.flatMap((moment) => SIGNALS.map((signal) => [signal, moment.name, moment] as const)))(
    'after %s at %s',
    async (signal, name, moment) => {
      const runs = join(scratch, `${signal}-${name.replaceAll(' ', '-')}`);
      let hit = false;
      for (let tried = 0; !hit && tried < TRIES; tried++) {
        const killed = await killAt(moment, signal, runs);
        hit = killed.hit;
        if (!hit) expect(killed.code).toBe(0);
        await until(() => [...killed.family].every((each) => !isAlive(each)), 5000);
        expect(machine()).toEqual(before);
      }
      expect(hit).toBe(true);
      // What SIGKILL left in the runs folder goes with the next run; what is there under its own name is whole.
      if (runsOf(runs).length === 0) return;
      const next = await run([scenario, '--runs', runs]);
      expect({ code: next.code, stderr: next.code === 0 ? '' : next.stderr }).toEqual({ code: 0, stderr: '' });
      const kept = runsOf(runs);
      expect(kept.filter((each) => each.startsWith('.partial'))).toEqual([]);
      for (const each of kept) expect(readdirSync(join(runs, 'short', each))).toContain('result.json');
    },
  );
});
