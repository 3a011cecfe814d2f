// No sentence decides anything: whatever words the result has, and whatever words its makers would use, all decisions stay.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { Outcome, Trial } from '../../src/plan/trial.ts';
import { SWEEP_REPORTERS } from '../../src/report/sweep/catalogue.ts';
import { agreementChart, costChart, heatMap, survivalChart } from '../../src/report/sweep/charts.ts';
import { csvRows } from '../../src/report/sweep/rows.ts';
import { doesAll, inOrder, stateOf } from '../../src/report/sweep/say.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { makeSpec } from '../../src/sweep/make-spec.ts';
import { parseSweepResult } from '../../src/sweep/read-result.ts';
import { type SweepResult, sweepResultSchema } from '../../src/sweep/result.ts';
import { asExpected, verdictOf } from '../../src/sweep/verdict.ts';
import { simulated } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-sentences-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

/** Every word that a sentence of a sweep was once searched for. */
const HOSTILE = 'boundary: substitute: not measured, holds, breaks, although it should hold (breaks)';

/** Strings that name things, or stand for a case: all others are prose. */
const NAMES = new Set([
  ...['kind', 'verdict', 'id', 'cell', 'cells', 'name', 'engine', 'pace', 'startedAt', 'profile', 'target', 'trial'],
  ...['direction', 'expected', 'seen', 'by', 'lever', 'layer', 'atExpiry', 'latePacket', 'confidence', 'keepalive'],
  ...['side', 'parameter', 'survives', 'zombie', 'predicted', 'firstRequest', 'role', 'host', 'from', 'to'],
  ...['playedBy', 'lost', 'outage', 'states', 'conditions', 'programs', 'machine'],
]);

/** The same result, with every sentence replaced. */
function reworded(value: unknown, key = '', parent: string = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => reworded(each, key, parent));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, reworded(each, name, key)]));
  if (typeof value !== 'string') return value;
  // A trap’s `seen`, and what a disagreement predicted, are prose under names that stand for a case elsewhere.
  const prose = (parent === 'traps' && key === 'seen') || (parent === 'disagreements' && key === 'predicted');
  const keeps = NAMES.has(key) || NAMES.has(parent);
  return prose || !keeps ? HOSTILE : value;
}

const failsNextToTheBest = ({ question, client }: Trial): boolean =>
  question.kind === 'quiet' && client.keepalive !== 'off' && client.keepalive.idleSeconds === 313;

const KERNELS: Record<SweepResult['verdict'], (outcome: Outcome, trial: Trial) => Outcome> = {
  pass: (outcome) => outcome,
  fail: (outcome, trial) => (failsNextToTheBest(trial) ? { ...outcome, met: 'reset' } : outcome),
  inconclusive: ({ key, kernel, ...outcome }, trial) =>
    failsNextToTheBest(trial) ? { key, kernel, problem: 'gone' } : { key, kernel, ...outcome },
};

async function sweep(verdict: keyof typeof KERNELS): Promise<SweepResult> {
  const { runSweep } = await import('../../src/sweep/run-sweep.ts');
  const place = simulated(250, KERNELS[verdict]);
  const wish = {
    middlebox: ['aws-nlb', 'haproxy'],
    list: [
      ['keepIdle', '100s,300s,340s'],
      ['keepInterval', '10s'],
    ],
  } as const;
  const folder = SweepFolder.create(runs, makeSpec(wish, place).spec, new Date(0), null);
  const result = await runSweep(folder, place, { progress: { told: () => {} }, signal: new AbortController().signal });
  folder.release();
  if (result === undefined) throw new Error('no result');
  return result;
}

/** Everything that is decided by a result: verdict, what became of cells, order, statuses of JUnit, what charts show. */
async function decisions(result: SweepResult) {
  const junit = await (await SWEEP_REPORTERS.load('junit')).default.render(result, {
    columns: 80,
    color: false,
    folder: '.',
  });
  const charts = await Promise.all([heatMap, costChart, survivalChart, agreementChart].map((chart) => chart(result)));
  return {
    verdict: [result.verdict, verdictOf(result)],
    cells: result.cells.map((cell) => [cell.id, stateOf(cell), doesAll(cell), cell.why]),
    rows: csvRows(result).map(({ why, ...row }) => ({ ...row, beside: why !== null })),
    order: inOrder(result).map(({ box, verdict, cell }) => [box, verdict, cell]),
    neighbours: result.recommendations.flatMap(({ neighbours }) =>
      neighbours.map((each) => [each.cell, asExpected(each)]),
    ),
    alternatives: result.recommendations.flatMap(({ alternatives }) => alternatives.map(({ cell, by }) => [cell, by])),
    junit: [...junit.matchAll(/<testcase[^>]*?(\/?)>\s*(<failure|<skipped)?/g)].map(
      ([, whole, child]) => whole || child,
    ),
    charts: charts.map((chart) => chart?.svg),
  };
}

describe.each(['pass', 'fail', 'inconclusive'] as const)('a sweep that ends in %s', (verdict) => {
  it('ends so', async () => {
    expect((await sweep(verdict)).verdict).toBe(verdict);
  });

  it('with every sentence of its result replaced is decided the same', async () => {
    const result = await sweep(verdict);
    const other = reworded(result) as SweepResult;
    // Only prose was replaced, and all of it.
    expect(sweepResultSchema.safeParse(other).error?.issues).toBeUndefined();
    expect(other.recommendations.every(({ sentence }) => sentence === HOSTILE)).toBe(true);
    expect(other.recommendations.flatMap(({ neighbours }) => neighbours).every(({ says }) => says === HOSTILE)).toBe(
      true,
    );
    expect(await decisions(other)).toEqual(await decisions(result));
  });

  it('made with other sentences is decided the same', async () => {
    const usual = await decisions(await sweep(verdict));
    vi.resetModules();
    vi.doMock('../../src/sweep/sentences.ts', async (original) => {
      const real = await original<Record<string, unknown>>();
      return Object.fromEntries(
        Object.entries(real).map(([name, each]) => [name, typeof each === 'function' ? () => HOSTILE : each]),
      );
    });
    try {
      const other = await sweep(verdict);
      expect(other.recommendations.flatMap(({ neighbours }) => neighbours)[0]?.says).toBe(HOSTILE);
      expect(await decisions(other)).toEqual(usual);
    } finally {
      vi.doUnmock('../../src/sweep/sentences.ts');
      vi.resetModules();
    }
  });
});

describe('the result of another version', () => {
  const document = (): { schemaVersion: number } =>
    JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/sweep/result.json'), 'utf8')) as { schemaVersion: number };
  const place = { file: 'runs/sweep/x/result.json', folder: 'runs/sweep/x' };
  it('of before is refused', () => {
    expect(() => parseSweepResult({ ...document(), schemaVersion: 1 }, place)).toThrow(
      expect.objectContaining({
        code: 'BAD_EVIDENCE',
        message: expect.stringContaining('schema version 1'),
        todo: 'sweep again: npm run sweep -- <name>',
      }),
    );
  });
  it('of later names what reads it', () => {
    expect(() => parseSweepResult({ ...document(), schemaVersion: 99 }, place)).toThrow(
      expect.objectContaining({ todo: 'read it with the newer idlelab that wrote it' }),
    );
  });
  it('of this one is read', () => {
    expect(parseSweepResult(document(), place).kind).toBe('sweep');
  });
});
