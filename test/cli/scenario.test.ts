import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { run } from '../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-cli-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A scenario that is over in two seconds. */
const QUICK = `# One connection, one request.
title: Quick
hosts:
  app: { client: ioredis }
  balancer: { middlebox: l4-reset, idleTimeout: 60s }
  mq: { broker: redis, count: 2 }
timeline:
  - app: connect
  - app: request
  - quiet: 200ms
acts:
  only:
    expect: [ { zombies: { at: mq, exactly: 0 } } ]
`;
const quick = join(scratch, 'mine.yaml');
writeFileSync(quick, QUICK);

describe('npm run scenario', () => {
  it.each([
    ['verbs', /^request +a client sends a command[\s\S]*client; parameters: .*\[bytes\].*\[of\]/m],
    [
      'middleboxes',
      /^aws-nlb +AWS Network Load Balancer, TCP listener\n +idle timeout 350s; a late packet: reset-sender/m,
    ],
    ['servers', /^redis +can /m],
    ['libraries', /^ioredis +speaks to a redis server\n +can .*close/m],
    ['tunings', /^ioredis-v5-defaults +ioredis 5/m],
    ['checks', /^zombies +ESTABLISHED sockets[\s\S]*parameters: at \[atLeast\] \[exactly\]/m],
  ])('lists the %s that a scenario may name', async (what, words) => {
    const { code, stdout, stderr } = await run(['--list', what]);
    expect(stdout).toMatch(words);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('says what it can list', async () => {
    const { code, stderr } = await run(['--list', 'verb']);
    expect(stderr).toMatch(/Allowed choices are scenarios, verbs, middleboxes, servers, libraries, tunings, checks/);
    expect(code).toBe(4);
  });

  it('lists the shipped scenarios with a line on each', async () => {
    const { code, stdout } = await run(['--list']);
    expect(code).toBe(0);
    for (const name of SCENARIOS.names()) expect(stdout).toContain(name);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  it('runs a file from outside the project, and prints the result document alone on standard output', async () => {
    const runs = join(scratch, 'runs');
    const { code, stdout, stderr } = await run([quick, '--reporter', 'json', '--runs', runs]);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 2, scenario: 'mine', engine: 'netns', verdict: 'pass' });
    expect(stderr).toContain('app opens 1 connection');
    const files = readdirSync(join(runs, 'latest')).sort();
    expect(files).toEqual([
      'capture.pcapng',
      'config',
      'events.ndjson',
      'flows.ndjson',
      'report.html',
      'report.md',
      'result.json',
      'run.json',
      'sockets.ndjson',
    ]);
  });

  it('prints the documents of several scenarios as one, an array', async () => {
    const other = join(scratch, 'other.yaml');
    writeFileSync(other, QUICK);
    const runs = join(scratch, 'several');
    const { code, stdout } = await run([quick, other, '--reporter', 'json', '--runs', runs]);
    expect(code).toBe(0);
    const names = (JSON.parse(stdout) as { scenario: string }[]).map(({ scenario }) => scenario);
    expect(names.sort()).toEqual(['mine', 'other']);
    const bad = join(scratch, 'bad.yaml');
    writeFileSync(bad, 'title: no');
    const one = await run([quick, bad, '--keep-going', '--reporter', 'json', '--runs', runs]);
    expect(one.code).toBe(4);
    expect(JSON.parse(one.stdout)).toMatchObject([{ scenario: 'mine' }]);
  });

  it('a cable that is pulled and put back delays the answer, and nothing more', async () => {
    const file = join(scratch, 'cable.yaml');
    writeFileSync(
      file,
      QUICK.replace(
        '  - quiet: 200ms\n',
        '  - quiet: 200ms\n  - app: cut\n  - app: request\n  - observe: 600ms\n  - app: mend\n  - observe: 3s\n',
      ),
    );
    const { code, stdout } = await run([file, '--reporter', 'json', '--runs', join(scratch, 'runs')]);
    expect(code).toBe(0);
    const { outcome } = JSON.parse(stdout).acts[0];
    expect(outcome).toMatchObject({ requestsAfterQuiet: { ok: 1 }, lostMessages: 0, duplicatedCommands: 0 });
    expect(outcome.firstReplySeconds).toBeGreaterThan(0.6);
  });

  it('exits 1 when an expectation failed', async () => {
    const file = join(scratch, 'fails.yaml');
    writeFileSync(file, QUICK.replace('exactly: 0', 'atLeast: 1'));
    const { code, stdout } = await run([file, '--reporter', 'minimal', '--runs', join(scratch, 'runs')]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail\s+only: mq does not hold the zombies/m);
  });

  it('two runs at once both pass', async () => {
    const both = await Promise.all([0, 1].map(() => run([quick, '--runs', join(scratch, 'both')])));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(readdirSync(join(scratch, 'both/mine')).length).toBe(2);
  });

  it.each([
    ['an unknown scenario', ['rebalanse'], 4, /UNKNOWN_SCENARIO.*"rebalanse"[\s\S]*did you mean rebalance/],
    ['a file that is not there', ['./nowhere.yaml'], 4, /there is no file \.\/nowhere\.yaml/],
    ['no scenario', [], 4, /no scenario given/],
    [
      'two scenarios for one document',
      ['reset', 'lost-fin', '--reporter', 'junit'],
      4,
      /one document, and 2 scenarios/,
    ],
    ['no number of jobs', ['reset', '--jobs', 'many'], 4, /BAD_OPTION: .*a whole number from 1 to 1024/],
    ['a negative number of jobs', ['reset', '--jobs', '-1'], 4, /BAD_OPTION: .*from 1 to 1024/],
    ['jobs without end', ['reset', '--jobs', '1e9'], 4, /BAD_OPTION: .*from 1 to 1024/],
    ['jobs in hexadecimal', ['reset', '--jobs', '0x10'], 4, /BAD_OPTION: .*from 1 to 1024/],
    ['an unknown pace', ['reset', '--pace', 'slow'], 4, /BAD_OPTION: .*Allowed choices are production/],
    ['an unknown HZ', ['reset', '--hz', '100'], 4, /BAD_OPTION: .*Allowed choices are 250, 1000/],
    ['an unknown option', ['--quick', 'reset'], 4, /BAD_OPTION: unknown option '--quick'/],
    ['an unknown reporter', ['reset', '--reporter', 'xml'], 4, /BAD_OPTION: .*Allowed choices are .*junit/],
    ['an unknown engine', ['reset', '--engine', 'vmware'], 4, /BAD_OPTION: .*Allowed choices are auto, netns/],
  ])('%s: exit code and advice', async (_, args, code, message) => {
    const ended = await run(args);
    expect(ended.stderr).toMatch(message);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
  });

  it('the virtual engine without its kernel: exit 3, and how to get it', async () => {
    const ended = await run(['reset', '--engine', 'virtual'], [], {
      XDG_CACHE_HOME: join(scratch, 'no-cache'),
      IDLELAB_KERNEL: '',
    });
    expect(ended.stderr).toMatch(/MISSING_KERNEL[\s\S]*what to do: npm run kernel/);
    expect(ended.code).toBe(3);
  });

  it('without its kernel, auto takes network namespaces, and says in one line how to get the kernel', async () => {
    const ended = await run([quick, '--reporter', 'minimal', '--runs', join(scratch, 'auto')], [], {
      XDG_CACHE_HOME: join(scratch, 'no-cache'),
      IDLELAB_KERNEL: '',
      IDLELAB_ENGINE: 'auto',
    });
    expect(ended.stderr).toMatch(/^engine: netns, .*npm run kernel/);
    expect(ended.code).toBe(0);
  });

  it('several scenarios at once: a report each, in one view, and the gravest exit code', async () => {
    const failing = join(scratch, 'worse.yaml');
    writeFileSync(failing, QUICK.replace('exactly: 0', 'atLeast: 1'));
    const ended = await run([
      quick,
      failing,
      '--jobs',
      '2',
      '--reporter',
      'minimal',
      '--runs',
      join(scratch, 'several'),
    ]);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/^PASS {2}mine/m);
    expect(ended.stdout).toMatch(/^FAIL {2}worse/m);
    expect(ended.stderr).toMatch(/^mine only: app opens 1 connection$/m);
    expect(ended.stderr).toMatch(/^worse only: app opens 1 connection$/m);
  });

  it('an act that asks for a kernel’s HZ is refused in real time, before anything is started: exit 3', async () => {
    const ended = await run(['keepalive-too-late', '--runs', join(scratch, 'hz')]);
    expect(ended.stderr).toMatch(/WRONG_KERNEL: .*HZ 250[\s\S]*--engine virtual/);
    expect(ended.stderr).not.toContain('opens');
    expect(ended.code).toBe(3);
  });

  it('a kernel that is not there: exit 4', async () => {
    const ended = await run(['reset', '--engine', 'virtual', '--kernel', '/nowhere/linux']);
    expect(ended.stderr).toMatch(/there is no kernel \/nowhere\/linux/);
    expect(ended.code).toBe(4);
  });

  it('a bad file: exit 4 with file, line and column, and no lab is started', async () => {
    const file = join(scratch, 'bad.yaml');
    writeFileSync(file, QUICK.replace('count: 2', 'cuont: 2'));
    const ended = await run([file, '--runs', join(scratch, 'none')]);
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(
      /bad\.yaml:6:24: .*expected one of the keys broker, count, found the key "cuont"\n {2}what to do: did you mean "count"\?/,
    );
    expect(ended.stderr).not.toContain('opens');
  });

  it('a runs folder that cannot be written: exit 3, nothing left', async () => {
    const blocked = join(scratch, 'blocked');
    writeFileSync(blocked, 'a file, not a folder');
    const ended = await run([quick, '--runs', blocked]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/RUNS_UNWRITABLE.*[\s\S]*--runs/);
    expect(ended.stderr).not.toContain('opens');
  });

  it('a disk that is full from the start: exit 3 before a lab is started', async () => {
    const ended = await onSmallDisk('8m', '');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/RUNS_UNWRITABLE.*MiB are free/);
    expect(ended.stdout.trim()).toBe('0 files');
  });

  it('a disk that fills up meanwhile: exit 3, nothing half written', async () => {
    const ended = await onSmallDisk('80m', '(sleep 1; head -c 100M /dev/zero > "$1/filler" 2>/dev/null) &');
    expect(ended.stderr).toMatch(/RUNS_UNWRITABLE/);
    expect([ended.code, ended.stdout.trim()]).toEqual([3, '0 files']);
  });
});

/** Runs the quick scenario onto a small file system of its own, and counts the files of runs that are left there. */
function onSmallDisk(size: string, meanwhile: string) {
  const disk = mkdtempSync(join(scratch, 'disk-'));
  mkdirSync(disk, { recursive: true });
  const script = `mount -t tmpfs -o size=${size} small "$1" || exit 99; ${meanwhile} shift; disk="${disk}"; "$@"; code=$?; wait; echo "$(find "$disk" -type f ! -name filler | wc -l) files"; exit $code`;
  const slow = join(scratch, 'slow.yaml');
  writeFileSync(slow, QUICK.replace('200ms', '3s'));
  return run(
    [slow, '--runs', join(disk, 'runs'), '--reporter', 'github'],
    ['unshare', '--mount', '--map-root-user', '--user', 'sh', '-c', script, 'sh', disk],
  );
}
