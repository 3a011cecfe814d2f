import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { parseList } from '../../src/sweep/grid.ts';
import type { Place } from '../../src/sweep/place.ts';
import { runSweep } from '../../src/sweep/run-sweep.ts';
import { type SweepSpec, sweptBoxes } from '../../src/sweep/spec.ts';
import { simulated } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-wall-seconds-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const spec: SweepSpec = {
  schemaVersion: 1,
  name: 'wall-seconds',
  title: 'wall-seconds',
  story: '',
  pace: 'production',
  boxes: sweptBoxes('aws-nlb', undefined),
  axes: [parseList('keepIdle', '60s,400s'), parseList('keepInterval', '10s')],
  quietSeconds: 28_800,
  repeat: 1,
  seed: 1,
  lost: [1],
  outages: [10],
  demands: { lost: 0, outageSeconds: 0, noticeSeconds: 0 },
  patienceSeconds: 1100,
  countSeconds: 3600,
  hz: 250,
  engine: 'virtual',
  measure: 'all',
};
const [MEASURING, WITNESSING] = [10, 300] as const;

it('the time of a sweep is what the person waited, witnesses included, and goes on where it was interrupted', async () => {
  let time = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => time * 1000);
  const place: Place = {
    ...simulated(),
    slots: 1,
    measure: (batch, run) => {
      time += batch.capture ? WITNESSING : MEASURING;
      return simulated().measure(batch, run);
    },
  };
  const folder = SweepFolder.create(runs, spec, new Date(), null);
  folder.record.wallSeconds = 1000;
  const result = await runSweep(folder, place, {
    progress: { told: () => {} },
    signal: new AbortController().signal,
  });
  expect(time).toBeGreaterThanOrEqual(MEASURING + WITNESSING);
  expect(result?.wallSeconds).toBe(1000 + time);
  expect(folder.record.wallSeconds).toBe(1000 + time);
  folder.release();
});
