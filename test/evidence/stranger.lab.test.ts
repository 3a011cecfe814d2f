// Runs folders are mailed around: one that was prepared by somebody else must not run, overwrite or mislead.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { Result } from '../../src/judge/result.ts';
import { kernelHz } from '../../src/linux/libc.ts';
import { parseList } from '../../src/sweep/grid.ts';
import { type SweepSpec, sweptBoxes } from '../../src/sweep/spec.ts';
import { start } from '../helpers/cli.ts';
import { judged } from '../helpers/fixture.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-stranger-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const marker = join(scratch, 'marker');
writeFileSync(
  join(scratch, 'payload.ts'),
  `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(marker)}, 'ran');\nexport default {};\n`,
);
/** The payload's name as a module in a folder of the code. */
const payloadFrom = (folder: string) => relative(join(packageRoot, folder), join(scratch, 'payload'));

const cli = async (command: 'report' | 'sweep', ...args: string[]) => {
  const ended = await start(args, [], {}, join(packageRoot, `src/cli/${command}.ts`)).ended;
  return { ...ended, ran: existsSync(marker) };
};

interface Run {
  plan: { acts: { hosts: Record<string, unknown>[]; expect: { check: string }[] }[] };
}

let count = 0;
/** A copy of a recorded run whose run.json was changed. */
function evilRun(change: (run: Run) => void): string {
  const folder = join(scratch, `run-${++count}`);
  cpSync(join(packageRoot, 'test/fixtures/rebalance'), folder, { recursive: true });
  const file = join(folder, 'run.json');
  const run = JSON.parse(readFileSync(file, 'utf8')) as Run;
  change(run);
  writeFileSync(file, JSON.stringify(run));
  // Without a result it is not taken for a run at all.
  writeFileSync(join(folder, 'result.json'), '{}');
  return folder;
}

const setHost = (key: string, name: string) => (run: Run) => {
  for (const { hosts } of run.plan.acts) for (const host of hosts) if (key in host) host[key] = name;
};

describe('report --judge on a stranger’s run', () => {
  it.each([
    ['the client library', setHost('library', payloadFrom('services/client/libraries'))],
    ['the server', setHost('server', payloadFrom('src/stage/servers'))],
    [
      'a check',
      (run: Run) => {
        for (const { expect: expected } of run.plan.acts)
          for (const each of expected) each.check = payloadFrom('src/judge/checks');
      },
    ],
  ])('runs no code that %s names', async (_, change) => {
    const { code, stderr, ran } = await cli('report', evilRun(change), '--judge');
    expect(ran).toBe(false);
    expect(stderr).toMatch(/^(BAD_EVIDENCE|UNKNOWN_NAME): /);
    expect(stderr).not.toMatch(/defect|bug in idlelab|^\s+at /m);
    expect([2, 4]).toContain(code);
  });
});

describe('report on a stranger’s result', () => {
  it.each([
    ['an act', 'acts.0.name', (result: Result) => Object.assign(result.acts[0] as object, { name: 'x"></svg><img>' })],
    [
      'a host',
      'middleboxes.0.host',
      (result: Result) => Object.assign(result.middleboxes[0] as object, { host: '../../etc' }),
    ],
  ])('refuses %s whose name is none', async (_, path, change) => {
    const folder = evilRun(() => {});
    const result = await judged('rebalance');
    change(result);
    writeFileSync(join(folder, 'result.json'), JSON.stringify(result));
    const { code, stderr } = await cli('report', folder);
    expect([code, stderr]).toEqual([2, expect.stringMatching(new RegExp(`^BAD_EVIDENCE: .*${path}: expected a name`))]);
  });

  it('needs nothing that the folder’s run.json names', async () => {
    const folder = evilRun(setHost('library', payloadFrom('services/client/libraries')));
    writeFileSync(join(folder, 'result.json'), JSON.stringify(await judged('rebalance')));
    const { code, stdout, ran } = await cli('report', folder, '--reporter', 'minimal');
    expect([code, ran, stdout.length > 0]).toEqual([0, false, true]);
  });

  it('refuses one that is no object', async () => {
    const folder = evilRun(() => {});
    writeFileSync(join(folder, 'result.json'), 'null');
    expect((await cli('report', folder)).stderr).toMatch(/^BAD_EVIDENCE: /);
  });
});

const spec = (): SweepSpec => ({
  schemaVersion: 1,
  name: 'stranger',
  title: 'a stranger’s',
  story: '',
  pace: 'compressed',
  boxes: sweptBoxes('aws-nlb', [3]).map((box) => ({
    ...box,
    playedBy: { [payloadFrom('src/stage/boxes')]: {} } as unknown as typeof box.playedBy,
  })),
  axes: [parseList('keepIdle', '1s')],
  quietSeconds: 2,
  repeat: 1,
  seed: 1,
  lost: [1],
  outages: [1],
  demands: { lost: 1, outageSeconds: 1, noticeSeconds: 0 },
  patienceSeconds: 3,
  countSeconds: 2,
  hz: kernelHz(),
  engine: 'netns',
  measure: 'all',
});

function evilSweep(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const record = {
    spec: spec(),
    startedAt: '2026-01-01T00:00:00.000Z',
    versions: {},
    wallSeconds: 0,
    shard: null,
  };
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify(record));
  writeFileSync(join(folder, 'trials.ndjson'), '');
  return folder;
}

describe('sweep on a stranger’s folder', () => {
  it('runs no code that its middlebox names', async () => {
    const [one, other] = [evilSweep('one'), evilSweep('other')];
    for (const args of [
      ['--resume', one],
      ['merge', one, other, '--runs', join(scratch, 'runs')],
    ]) {
      const { code, stderr, ran } = await cli('sweep', ...args);
      expect(ran).toBe(false);
      expect(stderr).toMatch(/^(BAD_EVIDENCE|UNKNOWN_NAME|BAD_OPTION): /m);
      expect(stderr).not.toMatch(/defect|bug in idlelab|^\s+at /m);
      expect([2, 4]).toContain(code);
    }
  });
});
