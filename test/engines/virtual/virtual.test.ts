import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import { findKernel, kernelCache } from '../../../src/engines/virtual/kernel.ts';
import { commandOf, descendants, isAlive, run, start, until } from '../../helpers/cli.ts';
import { kernelsBuilt, kernelWithInit } from '../../helpers/kernels.ts';

const NOBODY = 65_534;
const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-virtual-'));
chmodSync(scratch, 0o777);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const built = findKernel();
const scenario = join(scratch, 'hour.yaml');
writeFileSync(
  scenario,
  `# An hour of quiet behind a balancer that forgets after 350 s.
title: An hour
params:
  patience: { production: 350s, compressed: 3s }
  hour: { production: 1h, compressed: 5s }
hosts:
  pool: { client: ioredis, connections: 2 }
  balancer: { middlebox: l4-reset, idleTimeout: $patience }
  mq: { broker: redis, count: 2 }
timeline:
  - pool: connect
  - pool: request
  - quiet: $hour
  - pool: request
  - observe: 1s
acts:
  broken:
    tuning: { pool: { keepalive: off }, mq: { keepalive: off } }
    expect: [ flows-forgotten, { late-packet-reset: { by: balancer } }, { zombies: { at: mq, exactly: 2 } } ]
`,
);

// Without a kernel (npm run kernel) these are reported as not run.
describe.runIf(kernelsBuilt)('in virtual time', () => {
  it('an hour passes with the same outcome, as root or not, and times are the lab’s', async () => {
    // The cache of one user is not readable for another.
    const kernel = join(scratch, 'linux');
    copyFileSync(built as string, kernel);
    chmodSync(kernel, 0o755);
    const asNobody =
      process.getuid?.() === 0 ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
    const { code, stdout, stderr } = await run(
      [scenario, '--engine', 'virtual', '--reporter', 'json', '--runs', join(scratch, 'runs'), '--kernel', kernel],
      asNobody,
      { HOME: scratch },
    );
    expect({ code, problem: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, problem: '' });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      verdict: 'pass',
      engine: 'virtual',
      pace: 'production',
      overheadSeconds: null,
      acts: [{ hz: 250 }],
    });
    expect(result.labSeconds).toBeGreaterThan(3600);
    expect(result.wallSeconds).toBeLessThan(result.labSeconds);
    expect(result.speedUp * result.wallSeconds).toBeCloseTo(result.labSeconds, -2);
    expect(result.acts[0].outcome.requestsAfterQuiet).toMatchObject({ reset: 2 });
    const quietEnds = result.acts[0].ladders[0].rows.find(
      (row: { kind: string; at: number }) => row.kind === 'step' && row.at > 3600,
    );
    expect(quietEnds.at).toBeLessThan(3606);
  });

  it.each(['SIGKILL', 'SIGINT'] as const)('nothing is left after %s', async (signal) => {
    const shared = () => readdirSync('/dev/shm');
    const before = shared();
    const runs = join(scratch, signal);
    // Two acts, each on a kernel of its own.
    const both = join(scratch, signal, 'hour.yaml');
    mkdirSync(join(scratch, signal));
    const text = readFileSync(scenario, 'utf8');
    writeFileSync(both, `${text}${text.slice(text.indexOf('  broken:')).replace('broken:', 'again:')}`);
    const started = start([both, '--engine', 'virtual', '--jobs', '2', '--runs', runs]);
    await until(() => started.stderr().includes('quiet'), 60_000);
    const family = descendants(started.child.pid as number);
    expect(family.some((pid) => commandOf(pid).startsWith('linux'))).toBe(true);
    started.child.kill(signal);
    const { code } = await started.ended;
    if (signal === 'SIGINT') expect(code).toBe(130);
    await until(() => family.every((pid) => !isAlive(pid)), 10_000);
    expect(shared()).toEqual(before);
    await until(() => readdirSync(join(runs, 'hour')).length === 0, 5000);
  });

  it('a program that spins is reported, with the console’s tail, and not waited for', async () => {
    // Beside the lab's own programs one that never sleeps: the clock has nothing to jump over any more.
    const init = join(scratch, 'init.sh');
    const spin = `while :; do :; done & echo spinning; exec ${join(packageRoot, 'lab/kernel/init.sh')}`;
    writeFileSync(init, `#!/bin/sh\n${spin}\n`, { mode: 0o755 });
    const kernel = kernelWithInit(scratch, 'spinning-linux', init);
    const { code, stderr } = await run([
      ...[scenario, '--engine', 'virtual', '--kernel', kernel, '--runs', join(scratch, 'spinning')],
      ...['--reporter', 'minimal'],
    ]);
    expect(stderr).toMatch(
      /quiet for 1 h[\s\S]*ENGINE_DIED: .*clock stood still for \d+ s: a program in it spins[\s\S]*last lines:\s+spinning/,
    );
    expect(code).toBe(2);
  });

  it('a kernel that panics ends the run as inconclusive, with the panic', async () => {
    const kernel = kernelWithInit(scratch, 'panicking-linux', '/bin/true');
    const args = [scenario, '--engine', 'virtual', '--kernel', kernel, '--runs', join(scratch, 'panic')];
    const { code, stderr } = await run(args);
    expect(stderr).toMatch(/ENGINE_DIED: the lab’s kernel [\s\S]*Kernel panic - not syncing: Attempted to kill init!/);
    expect(code).toBe(2);
  });

  it('needs no home folder, and leaves nothing in one', async () => {
    const home = join(scratch, 'home');
    mkdirSync(home);
    for (const HOME of ['/nonexistent', home]) {
      const { code, stderr } = await run([scenario, '--engine', 'virtual', '--runs', join(scratch, 'homeless')], [], {
        HOME,
        XDG_CACHE_HOME: join(kernelCache(), '../..'),
      });
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    }
    expect(readdirSync(home)).toEqual([]);
  });

  it('a kernel that cannot run ends the run as inconclusive, with what it printed', async () => {
    const broken = join(scratch, 'broken-linux');
    writeFileSync(broken, '#!/bin/sh\necho "no such machine" >&2\nexit 1\n', { mode: 0o755 });
    const { code, stderr } = await run([
      scenario,
      '--engine',
      'virtual',
      '--kernel',
      broken,
      '--runs',
      join(scratch, 'broken'),
    ]);
    expect(stderr).toMatch(/ENGINE_DIED: the lab’s kernel ended unexpectedly[\s\S]*no such machine/);
    expect(code).toBe(2);
    expect(readdirSync(join(scratch, 'broken'), { recursive: true })).toEqual(['hour']);
  });
});
