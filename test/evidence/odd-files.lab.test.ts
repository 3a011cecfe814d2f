// Where a file is expected, a stranger may have put a pipe that never answers, a device that never ends, a link to somebody
// else's file, a folder, or a file of a size that nothing holds. Every command says so and ends.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { parseList } from '../../src/sweep/grid.ts';
import { sweptBoxes } from '../../src/sweep/spec.ts';
import { type Ended, start } from '../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-odd-files-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const SECRET = 'nobody-else-reads-this';
const secret = join(scratch, 'secret');
writeFileSync(secret, `${SECRET}\n`);

type Place = (path: string) => void;
const ODD: [kind: string, place: Place][] = [
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path)],
  ['a link to a file', (path) => symlinkSync(secret, path)],
  ['a folder', (path) => mkdirSync(path)],
];
const each = (files: readonly string[]): [file: string, kind: string, place: Place][] =>
  files.flatMap((file) => ODD.map(([kind, place]): [string, string, Place] => [file, kind, place]));

/** A command that hangs is killed long after it should have ended: it has no exit code then. */
const GUARD = ['timeout', '--signal=KILL', '60'];
const cli = (command: string, ...args: string[]): Promise<Ended> =>
  start(args, GUARD, {}, join(packageRoot, `src/cli/${command}.ts`)).ended;

function put(folder: string, file: string, place: Place): void {
  rmSync(join(folder, file), { recursive: true, force: true });
  place(join(folder, file));
}

const refused = (ended: Ended, code: 'BAD_EVIDENCE' | 'BAD_FILE', says: RegExp) => {
  expect(ended.stderr).toMatch(new RegExp(`^${code}: `, 'm'));
  expect(ended.stderr).toMatch(says);
  expect(ended.stderr).not.toMatch(/This is a bug|^\s+at |nothing is written through it/m);
  expect(ended.stdout + ended.stderr).not.toContain(SECRET);
  expect(ended.code).toBe(code === 'BAD_FILE' ? 4 : 2);
};

let runs = 0;
function recordedRun(): string {
  const folder = join(scratch, `run-${++runs}`);
  cpSync(join(packageRoot, 'test/fixtures/reset'), folder, { recursive: true });
  // Without a result it is not taken for a run at all.
  writeFileSync(join(folder, 'result.json'), '{}');
  return folder;
}

describe('report', () => {
  it.each(each(['result.json']))('%s is %s', async (file, _, place) => {
    const folder = recordedRun();
    put(folder, file, place);
    refused(await cli('report', folder), 'BAD_EVIDENCE', /result\.json" is .*: it is not read/);
    refused(await cli('report', 'diff', folder, folder), 'BAD_EVIDENCE', /result\.json" is .*: it is not read/);
  });

  it('--judge does not need the result.json that is a pipe', async () => {
    const folder = recordedRun();
    put(folder, 'result.json', (path) => execFileSync('mkfifo', [path]));
    const { stdout, stderr } = await cli('report', folder, '--judge', '--reporter', 'json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ scenario: 'reset' });
  });

  it.each(each(['run.json', 'events.ndjson', 'sockets.ndjson', 'flows.ndjson', 'capture.pcapng']))(
    '--judge: %s is %s',
    async (file, _, place) => {
      const folder = recordedRun();
      put(folder, file, place);
      refused(await cli('report', folder, '--judge'), 'BAD_EVIDENCE', /" is .*: it is not read/);
    },
  );

  it.each([
    ['run.json', 1e9, /run\.json" has more than \d+ bytes: it is not read/],
    ['capture.pcapng', 2 ** 31, /capture\.pcapng" has more than \d+ bytes: it is not read/],
    ['events.ndjson', 2 ** 31, /events\.ndjson" has more than \d+ bytes: it is not read/],
    // No row is longer than a text may be.
    ['events.ndjson', 6e8, /cannot read events\.ndjson:\d+: a row of more than \d+ bytes/],
  ])('--judge: %s has %d bytes', async (file, bytes, says) => {
    const folder = recordedRun();
    truncateSync(join(folder, file), bytes);
    refused(await cli('report', folder, '--judge'), 'BAD_EVIDENCE', says);
  });

  it('result.json has more bytes than a text may have', async () => {
    const folder = recordedRun();
    truncateSync(join(folder, 'result.json'), 1e9);
    refused(await cli('report', folder), 'BAD_EVIDENCE', /result\.json" has more than \d+ bytes: it is not read/);
  });
});

describe('sweep', () => {
  let good: string;
  beforeAll(() => {
    const made = SweepFolder.create(
      join(scratch, 'sweeps'),
      {
        schemaVersion: 1,
        name: 'prepared',
        title: 'Prepared',
        story: '',
        pace: 'production',
        boxes: sweptBoxes('aws-nlb', undefined),
        axes: [parseList('keepIdle', '300s')],
        quietSeconds: 3600,
        repeat: 1,
        seed: 1,
        lost: [1],
        outages: [10],
        demands: { lost: 1, outageSeconds: 10, noticeSeconds: 0 },
        patienceSeconds: 1100,
        countSeconds: 3600,
        hz: 250,
        engine: 'netns',
        measure: 'none',
      },
      new Date(),
      null,
    );
    made.release();
    good = made.folder;
  });
  const copy = () => {
    const folder = mkdtempSync(join(scratch, 'sweep-'));
    cpSync(good, folder, { recursive: true });
    return folder;
  };

  it.each(each(['sweep.json', 'trials.ndjson']))('%s is %s', async (file, _, place) => {
    const [folder, other] = [copy(), copy()];
    put(folder, file, place);
    const says = new RegExp(`${file.replace('.', '\\.')}" is `);
    for (const args of [
      ['--resume', folder],
      ['merge', other, folder, '--runs', join(scratch, 'merged')],
    ]) {
      const { stderr, ...ended } = await cli('sweep', ...args);
      // Before anything of it is read, a resumed folder is looked through for what could be written through.
      refused({ ...ended, stderr: stderr.replace('nothing is written through it', '') }, 'BAD_EVIDENCE', says);
    }
  });

  it.each(['sweep.json', 'trials.ndjson'])('%s is larger than anything that a sweep writes', async (file) => {
    const folder = copy();
    truncateSync(join(folder, file), 2 ** 31);
    refused(await cli('sweep', '--resume', folder), 'BAD_EVIDENCE', /" has more than \d+ bytes: it is not read/);
  });
});

describe.each(['scenario', 'sweep'])('%s of a YAML file', (command) => {
  it.each(ODD)('that is %s', async (kind, place) => {
    const path = join(mkdtempSync(join(scratch, 'files-')), 'mine.yaml');
    place(path);
    refused(
      await cli(command, path),
      'BAD_FILE',
      kind === 'a link to a file'
        ? /mine\.yaml:1:1: at this place: expected .*, found something else, which is not shown/
        : /cannot read .*mine\.yaml: it is not a regular file/,
    );
  });
});
