// Every shipped sweep on kernels that do what the model says, but at the edges of what counts as agreeing. They are made from the
// model: this tests that conclusions are drawn by the same rule as trials are compared, not that the model is right.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SWEEPS } from '../../src/plan/catalogue.ts';
import type { Outcome, Trial } from '../../src/plan/trial.ts';
import { predictTrial } from '../../src/sweep/expect.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { makeSpec } from '../../src/sweep/make-spec.ts';
import { runSweep } from '../../src/sweep/run-sweep.ts';
import { asExpected } from '../../src/sweep/verdict.ts';
import { simulated } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-shipped-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

/** A dead peer is noticed as early or as late as a trial may be without disagreeing. */
const atTheEdge =
  (edge: 'from' | 'to', seconds: number) =>
  (outcome: Outcome, trial: Trial): Outcome => {
    const { question } = trial;
    if (question.kind !== 'dead') return outcome;
    const { deadPeer } = predictTrial(trial, 250);
    const what = question.inFlight ? 'inFlight' : 'idle';
    return {
      ...outcome,
      noticed: Object.fromEntries(
        (['client', 'server'] as const).flatMap((side) => {
          const at = deadPeer[side][what][edge] + seconds;
          return Number.isFinite(at) && at < trial.quietSeconds ? [[side, at]] : [];
        }),
      ),
    };
  };

const KERNELS = {
  'as late as agrees': simulated(250, atTheEdge('to', 0.9)),
  'as early as agrees': simulated(250, atTheEdge('from', -0.9)),
} as const;

describe.each(SWEEPS.names())('the shipped sweep %s', (file) => {
  it.each(Object.entries(KERNELS))('passes on a simulated kernel %s', async (_, place) => {
    const folder = SweepFolder.create(runs, makeSpec({ file, repeat: 1 }, place).spec, new Date(), null);
    const result = await runSweep(folder, place, {
      progress: { told: () => {} },
      signal: new AbortController().signal,
    });
    folder.release();
    expect(result?.disagreements).toEqual([]);
    expect(
      result?.recommendations.flatMap(({ neighbours }) => neighbours.filter((each) => asExpected(each) !== true)),
    ).toEqual([]);
    expect(result?.verdict).toBe('pass');
  });
});
