import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../src/base/root.ts';
import { runScenario } from '../src/cli/run-scenario.ts';
import type { Engine } from '../src/engines/engine.ts';
import { CHECKS } from '../src/judge/catalogue.ts';
import type { Result } from '../src/judge/result.ts';
import { REPORTERS } from '../src/report/catalogue.ts';
import type { RunRecord } from '../src/stage/record.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-run-scenario-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const FIXTURE = join(packageRoot, 'test/fixtures/rebalance');
const recorded = JSON.parse(readFileSync(join(FIXTURE, 'run.json'), 'utf8')) as RunRecord;
const BEGAN = 1000;
const [STAGING, JUDGING, RENDERING] = [40, 7, 5] as const;

/** Plays a recorded run, on a clock that stands still but for what staging, one check and one reporter are said to take. */
async function timed({ waitedSeconds = 0, waitsSince }: { waitedSeconds?: number; waitsSince?: number } = {}) {
  let time = BEGAN;
  const engine: Engine = {
    name: 'netns',
    sideBySide: false,
    realTime: true,
    async run(_, folder) {
      cpSync(FIXTURE, folder, { recursive: true });
      time += STAGING;
      const { acts, versions, memoryMb } = recorded;
      return { acts, versions, memoryMb, waitedSeconds, problem: undefined, async [Symbol.asyncDispose]() {} };
    },
  };
  const check = (await CHECKS.load('flows-forgotten')).default;
  const judge = check.judge;
  vi.spyOn(check, 'judge').mockImplementation((...args) => {
    time += JUDGING;
    return judge(...args);
  });
  const reporter = (await REPORTERS.load('html')).default;
  const render = reporter.render;
  vi.spyOn(reporter, 'render').mockImplementation((...args) => {
    time += RENDERING;
    return render(...args);
  });
  const { result, folder } = await runScenario(recorded.plan, {
    engine,
    runsFolder: scratch,
    onMessage: () => {},
    signal: new AbortController().signal,
    clock: () => time,
    ...(waitsSince === undefined ? {} : { waitsSince }),
  });
  const read = <T>(file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T;
  return { result, folder, waited: time - BEGAN, read };
}

describe('the time of a run', () => {
  it('is what the person waited, slow judging and slow reports included, in every document', async () => {
    const { result, folder, waited, read } = await timed();
    expect(waited).toBeGreaterThanOrEqual(STAGING + JUDGING + RENDERING);
    expect(result.wallSeconds).toBe(waited);
    expect(read<Result>('result.json').wallSeconds).toBe(waited);
    expect(read<RunRecord>('run.json').wallSeconds).toBe(waited);
    const html = (await REPORTERS.load('html')).default;
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe(
      html.render(result, { columns: 120, color: false, folder: '.' }),
    );
  });
  it('decides how many times as fast as the clock it was', async () => {
    const { result, waited } = await timed();
    expect(result.speedUp).toBe(Number((result.labSeconds / waited).toPrecision(3)));
    const waits = result.acts.reduce((sum, act) => sum + act.waitSeconds, 0);
    expect(result.overheadSeconds).toBeCloseTo(waited - waits);
  });
  it('begins with the command where that does nothing else', async () => {
    const { result, waited } = await timed({ waitsSince: BEGAN - 3 });
    expect(result.wallSeconds).toBe(waited + 3);
  });
  it('begins with its own turn where others came first', async () => {
    const { result, waited } = await timed({ waitedSeconds: 25 });
    expect(result.wallSeconds).toBe(waited - 25);
  });
});
