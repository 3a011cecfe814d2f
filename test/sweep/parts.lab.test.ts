import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { owner } from '../../src/base/owner.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { parseList, parseScan } from '../../src/sweep/grid.ts';
import { mergeSweeps } from '../../src/sweep/merge.ts';
import type { Place } from '../../src/sweep/place.ts';
import type { SweepResult } from '../../src/sweep/result.ts';
import { runSweep, type Shard } from '../../src/sweep/run-sweep.ts';
import { type SweepSpec, sweptBoxes } from '../../src/sweep/spec.ts';
import { simulated } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-parts-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

const spec: SweepSpec = {
  schemaVersion: 1,
  name: 'parts',
  title: 'parts',
  story: '',
  pace: 'production',
  boxes: [...sweptBoxes('aws-nlb', undefined), ...sweptBoxes('haproxy', undefined)],
  axes: [parseScan('keepIdle', '60s..420s/60s'), parseList('keepInterval', '1s,10s')],
  quietSeconds: 28_800,
  repeat: 2,
  seed: 1,
  lost: [1, 2, 3],
  outages: [10, 60, 300],
  demands: { lost: 2, outageSeconds: 60, noticeSeconds: 0 },
  patienceSeconds: 1100,
  countSeconds: 3600,
  hz: 250,
  engine: 'virtual',
  measure: 'all',
};

const options = { progress: { told: () => {} }, signal: new AbortController().signal };
/** What may differ between two sweeps of the same thing. */
const comparable = (result: SweepResult | undefined) => ({ ...result, startedAt: '', wallSeconds: 0 });

const created = (shard?: Shard) =>
  SweepFolder.create(runs, spec, new Date(), shard ? `${shard.index}/${shard.of}` : null);

async function whole(): Promise<SweepResult | undefined> {
  const folder = created();
  const result = await runSweep(folder, simulated(), options);
  folder.release();
  return result;
}

/** A place that is gone after so many outcomes. */
function dying(after: number): Place {
  const place = simulated();
  let told = 0;
  return {
    ...place,
    measure: (batch, run) =>
      place.measure(batch, {
        ...run,
        onOutcome: (outcome, group) => {
          if (told++ >= after) throw new Error('gone');
          run.onOutcome(outcome, group);
        },
      }),
  };
}

describe('a sweep that was interrupted', () => {
  it.each([0, 1, 97, 250])('after %i trials and gone on with ends as one that was not', async (after) => {
    const folder = created();
    await expect(runSweep(folder, dying(after), options)).rejects.toThrow('gone');
    folder.release();
    const again = SweepFolder.resume(folder.folder);
    expect(again.outcomes.size).toBe(after);
    const result = await runSweep(again, simulated(), options);
    again.release();
    expect(comparable(result)).toEqual(comparable(await whole()));
  });

  it('with half a line in its file measures that trial again', async () => {
    const folder = created();
    await expect(runSweep(folder, dying(20), options)).rejects.toThrow('gone');
    folder.release();
    const file = join(folder.folder, 'trials.ndjson');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -30));
    const again = SweepFolder.resume(folder.folder);
    expect(again.outcomes.size).toBe(19);
    const result = await runSweep(again, simulated(), options);
    again.release();
    expect(comparable(result)).toEqual(comparable(await whole()));
  });

  it('cannot be gone on with while somebody measures for it, or may', () => {
    const folder = created();
    const lock = join(folder.folder, '.running');
    expect(() => SweepFolder.resume(folder.folder)).toThrow(`is locked by process ${process.pid} on ${owner().host}`);
    for (const text of ['1', JSON.stringify({ ...owner(), host: 'elsewhere', start: '1' })]) {
      writeFileSync(lock, text);
      expect(() => SweepFolder.resume(folder.folder)).toThrow(/is locked by .* cannot be seen from here/);
      expect(readFileSync(lock, 'utf8')).toBe(text);
    }
    writeFileSync(lock, JSON.stringify({ ...owner(), start: '1' }));
    SweepFolder.resume(folder.folder).release();
  });

  it('asks nothing twice', async () => {
    const folder = created();
    await runSweep(folder, simulated(), options);
    const lines = readFileSync(join(folder.folder, 'trials.ndjson'), 'utf8').trim().split('\n');
    folder.release();
    const keys = lines.map((line) => (JSON.parse(line) as { key: string }).key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('parts of a sweep', () => {
  it('put together end as the whole', async () => {
    const parts = [];
    for (const index of [1, 2, 3]) {
      const shard = { index, of: 3 };
      const folder = created(shard);
      expect(await runSweep(folder, simulated(), { ...options, shard })).toBeUndefined();
      folder.release();
      expect(folder.outcomes.size).toBeGreaterThan(0);
      parts.push(folder);
    }
    const merged = mergeSweeps(
      parts.map(({ folder }) => folder),
      runs,
    );
    expect(merged.outcomes.size).toBe(parts.reduce((sum, { outcomes }) => sum + outcomes.size, 0));
    const result = await runSweep(merged, simulated(), options);
    merged.release();
    expect(comparable(result)).toEqual(comparable(await whole()));
  });

  it('of another sweep are refused', () => {
    const [one, other] = [created(), SweepFolder.create(runs, { ...spec, repeat: 5 }, new Date(), null)];
    expect(() => mergeSweeps([one.folder, other.folder], runs)).toThrow(/is not a part of the same sweep/);
    expect(() => mergeSweeps([], runs)).toThrow(/no parts given/);
  });
});
