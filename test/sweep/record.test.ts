import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { parseList } from '../../src/sweep/grid.ts';
import { mergeSweeps } from '../../src/sweep/merge.ts';
import { runSweep } from '../../src/sweep/run-sweep.ts';
import { sweptBoxes } from '../../src/sweep/spec.ts';
import { simulated } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-sweep-record-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

let folder: string;
let [record, trials] = ['', ''];

beforeAll(async () => {
  const sweep = SweepFolder.create(
    runs,
    {
      schemaVersion: 1,
      name: 'small',
      title: 'small',
      story: '',
      pace: 'production',
      boxes: sweptBoxes('aws-nlb', undefined),
      axes: [parseList('keepIdle', '100s,400s')],
      quietSeconds: 28_800,
      repeat: 1,
      seed: 1,
      lost: [1],
      outages: [10],
      demands: { lost: 1, outageSeconds: 10, noticeSeconds: 0 },
      patienceSeconds: 1100,
      countSeconds: 3600,
      hz: 250,
      engine: 'virtual',
      measure: 'all',
    },
    new Date(),
    null,
  );
  folder = sweep.folder;
  await runSweep(sweep, simulated(), { progress: { told: () => {} }, signal: new AbortController().signal });
  sweep.release();
  record = readFileSync(join(folder, 'sweep.json'), 'utf8');
  trials = readFileSync(join(folder, 'trials.ndjson'), 'utf8');
});

/** What opening the folder says; it is as before then. */
function opened(
  change: { record?: string; trials?: string },
  how: () => SweepFolder = () => SweepFolder.open(folder),
): string {
  writeFileSync(join(folder, 'sweep.json'), change.record ?? record);
  writeFileSync(join(folder, 'trials.ndjson'), change.trials ?? trials);
  try {
    return `${how().outcomes.size} outcomes`;
  } catch (error) {
    return error instanceof LabError
      ? `${error.code}: ${error.message.replace(`${folder}/`, '')}`
      : `${(error as Error).stack}`;
  } finally {
    writeFileSync(join(folder, 'sweep.json'), record);
    writeFileSync(join(folder, 'trials.ndjson'), trials);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: it is not as it should be
type Wrong = (document: any) => void;
const changed = (text: string, change: Wrong): string => {
  const document = JSON.parse(text);
  change(document);
  return JSON.stringify(document);
};

describe('sweep.json', () => {
  it('is read as it was written', () => {
    expect(opened({})).toBe(`${trials.trim().split('\n').length} outcomes`);
    expect(SweepFolder.open(folder).record).toEqual(JSON.parse(record));
  });

  it.each<[string, Wrong]>([
    ['spec: Invalid input', (sweep) => delete sweep.spec],
    ['spec.name: expected a name', (sweep) => (sweep.spec.name = '../../elsewhere')],
    ['spec.name: expected a name', (sweep) => (sweep.spec.name = '..')],
    ['spec.name: expected a name', (sweep) => (sweep.spec.name = '/tmp/x')],
    [
      'spec.boxes.0.playedBy."../../payload": Invalid key in record',
      (sweep) => (sweep.spec.boxes[0].playedBy = { '../../payload': {} }),
    ],
    ['spec.boxes.0.profile: expected a name', (sweep) => (sweep.spec.boxes[0].profile = '../payload')],
    ['spec.boxes: Too small', (sweep) => (sweep.spec.boxes = [])],
    ['spec.repeat: Too big', (sweep) => (sweep.spec.repeat = 1e9)],
    ['spec.axes.0.parameter: Invalid option', (sweep) => (sweep.spec.axes[0].parameter = '__proto__')],
    ['spec.axes.0.values.0: Invalid input', (sweep) => (sweep.spec.axes[0].values = ['1s'])],
    ['spec.quietSeconds: Too big', (sweep) => (sweep.spec.quietSeconds = 1e300)],
    ['spec.quietSeconds: Too small', (sweep) => (sweep.spec.quietSeconds = 0)],
    ['spec.patienceSeconds: Too big', (sweep) => (sweep.spec.patienceSeconds = 1e300)],
    ['spec.countSeconds: Too big', (sweep) => (sweep.spec.countSeconds = 1e300)],
    ['spec.outages.0: Too big', (sweep) => (sweep.spec.outages = [86_401])],
    ['spec.lost.0: Too big', (sweep) => (sweep.spec.lost = [4])],
    ['spec.demands.outageSeconds: Too big', (sweep) => (sweep.spec.demands.outageSeconds = 1e300)],
    ['spec.demands.noticeSeconds: Too big', (sweep) => (sweep.spec.demands.noticeSeconds = 1e300)],
    ['spec.demands.lost: Too big', (sweep) => (sweep.spec.demands.lost = 1e9)],
    [
      'spec.boxes.0.middlebox.timeoutSeconds: Too big',
      (sweep) => (sweep.spec.boxes[0].middlebox.timeoutSeconds = 1e300),
    ],
    ['spec.boxes.0.defaultSeconds: Too big', (sweep) => (sweep.spec.boxes[0].defaultSeconds = 1e300)],
    ['spec.boxes.0.maxSeconds: Too big', (sweep) => (sweep.spec.boxes[0].maxSeconds = 1e300)],
    ['spec.axes.0.values.1: expected a value of keepIdle', (sweep) => (sweep.spec.axes[0].values = [0, 32_768])],
    ['spec.seed: Too big', (sweep) => (sweep.spec.seed = 2 ** 60)],
    ['spec.hz: expected 250 or 1000', (sweep) => (sweep.spec.hz = 300)],
    ['spec.hz: Too big', (sweep) => Object.assign(sweep.spec, { hz: 1e9, engine: 'netns' })],
    ['wallSeconds: Too big', (sweep) => (sweep.wallSeconds = 1e300)],
    ['spec.engine: Invalid option', (sweep) => (sweep.spec.engine = 'moon')],
    ['spec.hz: Invalid input', (sweep) => (sweep.spec.hz = '../250')],
    ['startedAt: Invalid ISO datetime', (sweep) => (sweep.startedAt = '../../elsewhere')],
    ['shard: expected a part', (sweep) => (sweep.shard = 'a/b')],
    ['shard: expected a part', (sweep) => (sweep.shard = '5/4')],
    ['conditions.abc: Invalid input', (sweep) => (sweep.conditions = { abc: 1 })],
  ])('%s', (problem, change) => {
    for (const how of [
      () => SweepFolder.open(folder),
      () => SweepFolder.resume(folder),
      () => mergeSweeps([folder, folder], runs),
    ]) {
      const said = opened({ record: changed(record, change) }, how);
      expect(said.startsWith(`BAD_EVIDENCE: cannot read sweep.json: ${problem}`) ? problem : said).toBe(problem);
    }
    // Nothing was locked, written or made.
    expect(readdirSync(runs)).toEqual(['small']);
    expect(existsSync(join(folder, '.running'))).toBe(false);
  });

  it.each(['', 'null', '[]', '{', '"text"'])('%j', (text) => {
    expect(opened({ record: text })).toMatch(/^BAD_EVIDENCE: cannot read sweep\.json: /);
  });
});

it('a sweep.json that asks for more trials than anybody may is refused before one is measured', async () => {
  const many = changed(record, ({ spec }) => {
    spec.repeat = 100;
    spec.axes = [
      { side: 'client', parameter: 'keepIdle', values: Array.from({ length: 100 }, (_, index) => index + 1) },
      { side: 'client', parameter: 'keepInterval', values: Array.from({ length: 50 }, (_, index) => index + 1) },
    ];
  });
  writeFileSync(join(folder, 'sweep.json'), many);
  const sweep = SweepFolder.resume(folder);
  try {
    const kept = sweep.outcomes.size;
    await expect(
      runSweep(sweep, simulated(), { progress: { told: () => {} }, signal: new AbortController().signal }),
    ).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/^the sweep has \d{7} trials$/) });
    expect(sweep.outcomes.size).toBe(kept);
  } finally {
    sweep.release();
    writeFileSync(join(folder, 'sweep.json'), record);
  }
});

describe('a row of trials.ndjson', () => {
  const row = (change: Wrong) =>
    trials
      .split('\n')
      .with(2, changed(trials.split('\n')[2] as string, change))
      .join('\n');
  it.each<[string, Wrong]>([
    ['key: Invalid input', (outcome) => delete outcome.key],
    ['met: Invalid option', (outcome) => (outcome.met = 'somebody')],
    ['kernel: Invalid input', (outcome) => delete outcome.kernel],
    ['executed: Invalid input', (outcome) => (outcome.executed = 'twice')],
    ['conditions: Invalid input', (outcome) => (outcome.conditions = 7)],
    ['noticed: Invalid input', (outcome) => (outcome.noticed = [])],
  ])('%s', (problem, change) => {
    const said = opened({ trials: row(change) });
    expect(said.startsWith(`BAD_EVIDENCE: cannot read trials.ndjson:3: ${problem}`) ? problem : said).toBe(problem);
  });

  it('that is the last one and cut off is left out: its trial is measured again', () => {
    expect(opened({ trials: trials.slice(0, -9) })).toBe(`${trials.trim().split('\n').length - 1} outcomes`);
  });

  it('that is cut off in the middle of the file is refused', () => {
    expect(opened({ trials: trials.replace('\n', '').slice(5) })).toMatch(
      /^BAD_EVIDENCE: cannot read trials\.ndjson:1: /,
    );
  });
});
