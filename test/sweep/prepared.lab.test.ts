// Folders that a stranger prepared: nothing that is done with one reaches out of it.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { parseList } from '../../src/sweep/grid.ts';
import { type SweepSpec, sweptBoxes } from '../../src/sweep/spec.ts';
import { start } from '../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-prepared-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const spec: SweepSpec = {
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
};

let good: string;
let folder: string;
let outside: string;
beforeAll(() => {
  const made = SweepFolder.create(join(scratch, 'good'), spec, new Date(), null);
  made.release();
  good = made.folder;
});
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'given-'));
  cpSync(good, folder, { recursive: true });
  outside = join(mkdtempSync(join(scratch, 'outside-')), 'mine');
  writeFileSync(outside, 'mine');
});

const sweep = (...args: string[]) => start(args, [], {}, join(packageRoot, 'src/cli/sweep.ts')).ended;

describe('sweep --resume of a prepared folder', () => {
  it.each(['result.json', 'report.html', 'trials.ndjson', 'sweep.json', 'captures', '.running', '.load-1-0'])(
    'in which %s is a link is refused with its path, and what it leads to stays',
    async (name) => {
      const link = join(folder, name);
      if (name === 'trials.ndjson' || name === 'sweep.json') {
        // What it leads to reads well.
        cpSync(link, outside);
        rmSync(link);
      }
      const before = readFileSync(outside, 'utf8');
      symlinkSync(outside, link);
      const { code, stderr } = await sweep('--resume', folder, '--runs', join(scratch, 'runs'));
      expect(stderr).toMatch(/^BAD_EVIDENCE: .*is a symbolic link/m);
      expect(stderr).toContain(JSON.stringify(link));
      expect(code).toBe(2);
      expect(readFileSync(outside, 'utf8')).toBe(before);
    },
  );

  it('by a link to it, as runs/latest is, is gone on with', () => {
    const link = join(scratch, `latest-${process.pid}`);
    symlinkSync(folder, link);
    const resumed = SweepFolder.resume(link);
    expect(resumed.folder).toBe(folder);
    resumed.release();
  });
});

describe('sweep merge', () => {
  it.each(['../../escaped', '..', '-x', 'a b', 'a\nb', '.'])('of parts called %j makes no folder', async (name) => {
    const file = join(folder, 'sweep.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...record, spec: { ...record.spec, name }, shard: '1/1' }));
    const runs = join(mkdtempSync(join(scratch, 'merged-')), 'a/b/runs');
    mkdirSync(runs, { recursive: true });
    const { code, stderr } = await sweep('merge', folder, '--runs', runs);
    expect(stderr).toMatch(/^BAD_EVIDENCE: /m);
    expect(code).toBe(2);
    expect(readdirSync(join(runs, '../../..'), { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/runs']);
  });

  it('does not follow a link in the runs folder', async () => {
    const runs = mkdtempSync(join(scratch, 'runs-'));
    const elsewhere = mkdtempSync(join(scratch, 'elsewhere-'));
    symlinkSync(elsewhere, join(runs, 'prepared'));
    const { code, stderr } = await sweep('merge', folder, '--runs', runs);
    expect(stderr).toContain(`${JSON.stringify(join(runs, 'prepared'))} is a symbolic link`);
    expect(code).toBe(2);
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
