import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { owner } from '../../src/base/owner.ts';
import { RunFolder } from '../../src/base/runs.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-runs-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let runs: string;
beforeEach(() => {
  runs = join(mkdtempSync(join(scratch, 'one-')), 'runs');
});

const START = new Date('2026-01-02T03:04:05.678Z');
const NAME = '2026-01-02T03-04-05.678Z';
const open = () => RunFolder.open(runs, 'reset', START);

function refused(work: () => unknown): LabError {
  try {
    work();
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe("a run's folder", () => {
  it('is absent until it is whole; then runs/latest points to it', () => {
    const run = open();
    writeFileSync(join(run.partial, 'result.json'), '{}');
    expect(existsSync(join(runs, 'reset', NAME))).toBe(false);
    expect(run.commit()).toBe(join(runs, 'reset', NAME));
    expect(readdirSync(join(runs, 'reset'))).toEqual([NAME]);
    expect(readdirSync(join(runs, 'reset', NAME))).toEqual(['result.json']);
    expect(readlinkSync(join(runs, 'latest'))).toBe(join('reset', NAME));
    expect(readdirSync(runs).sort()).toEqual(['latest', 'reset']);
  });

  it('that is discarded leaves nothing', () => {
    open().discard();
    expect(readdirSync(join(runs, 'reset'))).toEqual([]);
    expect(existsSync(join(runs, 'latest'))).toBe(false);
  });

  it('of runs that start at the same moment is one for each', () => {
    const [a, b] = [open(), open()];
    expect(a.partial).not.toBe(b.partial);
    expect([a.commit(), b.commit()]).toEqual([join(runs, 'reset', NAME), join(runs, 'reset', `${NAME}-2`)]);
  });

  it('of a run that goes on is not taken away by the next run', () => {
    const first = open();
    expect(open().leftovers).toEqual([]);
    expect(existsSync(first.partial)).toBe(true);
  });

  it('of a run that was killed is taken away by the next run', () => {
    const first = open();
    writeFileSync(join(first.partial, '.owner'), JSON.stringify({ ...owner(), start: '1' }));
    open();
    expect(existsSync(first.partial)).toBe(false);
  });

  it('of a run on another host is left alone, and the next run says so', () => {
    const first = open();
    writeFileSync(join(first.partial, '.owner'), JSON.stringify({ ...owner(), host: 'elsewhere', start: '1' }));
    expect(open().leftovers).toEqual([expect.stringContaining(first.partial)]);
    expect(existsSync(first.partial)).toBe(true);
  });

  it('is not made in a folder that a link leads to', () => {
    const outside = mkdtempSync(join(scratch, 'outside-'));
    mkdirSync(runs);
    symlinkSync(outside, join(runs, 'reset'));
    const error = refused(open);
    expect(error.code).toBe('BAD_EVIDENCE');
    expect(error.message).toContain(join(runs, 'reset'));
    expect(error.message).toContain('a symbolic link');
    expect(readdirSync(outside)).toEqual([]);
  });

  it('where none can be made is an error that says where', () => {
    writeFileSync(runs, 'a file');
    const error = refused(open);
    expect(error.code).toBe('RUNS_UNWRITABLE');
    expect(error.message).toContain(runs);
    expect(readFileSync(runs, 'utf8')).toBe('a file');
  });

  it('whose "latest" is a folder of somebody is an error, and that folder stays', () => {
    mkdirSync(join(runs, 'latest'), { recursive: true });
    writeFileSync(join(runs, 'latest', 'mine'), '');
    expect(refused(() => open().commit()).code).toBe('RUNS_UNWRITABLE');
    expect(readdirSync(join(runs, 'latest'))).toEqual(['mine']);
    expect(readdirSync(runs).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
