import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { howMeasured } from '../../src/report/sweep/say.ts';
import { type Conditions, conditionsDifferences, conditionsId } from '../../src/sweep/conditions.ts';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { makeSpec } from '../../src/sweep/make-spec.ts';
import { mergeSweeps } from '../../src/sweep/merge.ts';
import { runSweep } from '../../src/sweep/run-sweep.ts';
import { simulated, simulatedConditions } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-conditions-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

const usual = simulatedConditions();
const wish = { middlebox: ['aws-nlb'], list: [['keepIdle', '100s,340s']], repeat: 2 } as const;
const created = () => SweepFolder.create(runs, makeSpec(wish, simulated()).spec, new Date(), null);
const options = { progress: { told: () => {} }, signal: new AbortController().signal };

/** What decides an outcome, and another value of it. */
const OTHERS: [string, Partial<Conditions>][] = [
  ['kernel 6.12.1', { kernel: '6.12.1' }],
  ['architecture arm64', { architecture: 'arm64' }],
  ['node v26.0.0', { programs: { node: 'v26.0.0' } }],
];

/** A part of a sweep, measured under these conditions. */
async function part(index: number, conditions: Conditions): Promise<SweepFolder> {
  const folder = created();
  await runSweep(folder, simulated(250, undefined, conditions), { ...options, shard: { index, of: 2 } });
  folder.release();
  return folder;
}

describe('conditions', () => {
  it('are the same, whatever the order in which programs are named', () => {
    const one = { ...usual, programs: { node: 'v24.0.0', haproxy: '2.6' } };
    expect(conditionsId({ ...usual, programs: { haproxy: '2.6', node: 'v24.0.0' } })).toBe(conditionsId(one));
  });
  it('differ in what decides an outcome; not in the machine, nor where a program played a part in one only', () => {
    const other = {
      ...usual,
      machine: { name: 'there', cpu: 'another' },
      programs: { node: 'v24.0.0', haproxy: '2.6' },
    };
    expect(conditionsDifferences(usual, other)).toEqual([]);
    expect(conditionsDifferences({ ...usual, hz: 1000, engine: 'netns' }, other).map(({ what }) => what)).toEqual([
      'engine',
      'HZ',
    ]);
    expect(conditionsDifferences({ ...other, programs: { haproxy: '3.0' } }, other)).toEqual([
      { what: 'haproxy', a: '3.0', b: '2.6' },
    ]);
  });
});

describe('a sweep', () => {
  it('keeps with every outcome under which conditions it was measured, and its result tells them', async () => {
    const folder = created();
    const result = await runSweep(folder, simulated(), options);
    folder.release();
    const rows = readFileSync(join(folder.folder, 'trials.ndjson'), 'utf8').trim().split('\n');
    const record = JSON.parse(readFileSync(join(folder.folder, 'sweep.json'), 'utf8')) as SweepFolder['record'];
    for (const row of rows) {
      const { conditions } = JSON.parse(row) as { conditions: string };
      expect(record.conditions[conditions]).toEqual(usual);
    }
    expect(result?.conditions).toEqual([{ ...usual, trials: rows.length }]);
  });

  it.each(OTHERS)('begun elsewhere is not gone on with under %s', async (text, change) => {
    const { folder } = await part(1, usual);
    const again = SweepFolder.resume(folder);
    const kept = again.outcomes.size;
    const going = runSweep(again, simulated(250, undefined, { ...usual, ...change }), options);
    await expect(going).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining(text.split(' ').at(-1) as string),
      todo: expect.stringContaining('measure what is missing where the rest was measured'),
    });
    await expect(going).rejects.toThrow(/kernel simulated.*\n.*here, now: engine virtual/);
    again.release();
    // Nothing of it was kept.
    expect(SweepFolder.open(folder).outcomes.size).toBe(kept);
  });

  it('whose kernel does not have the HZ that the sweep is of is refused', async () => {
    const folder = created();
    const going = runSweep(folder, simulated(250, undefined, { ...usual, hz: 1000 }), options);
    await expect(going).rejects.toThrow(/of engine virtual and HZ 250, but .* HZ 1000/);
    folder.release();
    expect(folder.outcomes.size).toBe(0);
  });

  it('that was measured to its end has no witnesses of another kernel added to it', async () => {
    const folder = created();
    await runSweep(folder, simulated(), options);
    folder.release();
    const again = SweepFolder.resume(folder.folder);
    const other = simulated(250, undefined, { ...usual, kernel: '6.12.1' });
    await expect(runSweep(again, other, options)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('kernel simulated'),
    });
    again.release();
  });

  it('whose workers are not alike is refused', async () => {
    const folder = created();
    let workers = 0;
    const place = simulated();
    const mixed = {
      ...place,
      measure: (...[batch, run]: Parameters<typeof place.measure>) =>
        simulated(250, undefined, { ...usual, kernel: `6.${workers++}` }).measure(batch, run),
    };
    await expect(runSweep(folder, mixed, options)).rejects.toThrow(/kernel 6\.0 .* and 6\.1/);
    folder.release();
  });

  it('of an older version, whose outcomes do not name their conditions, is not gone on with', async () => {
    const { folder } = await part(1, usual);
    const file = join(folder, 'trials.ndjson');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/,"conditions":"[0-9a-f]+"/g, ''));
    expect(() => SweepFolder.resume(folder)).toThrow(
      expect.objectContaining({
        code: 'BAD_EVIDENCE',
        message: expect.stringMatching(/trials\.ndjson:1: conditions: /),
        todo: expect.stringMatching(/another version of idlelab wrote it: sweep again/),
      }),
    );
  });

  it('whose outcomes name conditions that sweep.json does not know is not gone on with', async () => {
    const { folder } = await part(1, usual);
    const file = join(folder, 'trials.ndjson');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replaceAll(/,"conditions":"[0-9a-f]+"/g, ',"conditions":"__proto__"'),
    );
    const again = SweepFolder.resume(folder);
    await expect(runSweep(again, simulated(), options)).rejects.toMatchObject({
      code: 'BAD_EVIDENCE',
      message: expect.stringMatching(/^\d+ trials in .* do not say under which conditions/),
    });
    again.release();
  });
});

describe('parts of a sweep', () => {
  it.each(OTHERS)('of which one was measured under %s are not merged', async (_, change) => {
    const [one, other] = [await part(1, usual), await part(2, { ...usual, ...change })];
    expect(() => mergeSweeps([one.folder, other.folder], runs)).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: expect.stringMatching(new RegExp(`\\(${one.folder}\\) and .* \\(${other.folder}\\)`)),
        todo: 'measure the part again where the others were measured',
      }),
    );
  });

  it('of two machines are, and the result tells both', async () => {
    const there = { ...usual, machine: { name: 'there', cpu: 'another' } };
    const parts = [await part(1, usual), await part(2, there)];
    const merged = mergeSweeps(
      parts.map(({ folder }) => folder),
      runs,
    );
    const result = await runSweep(merged, simulated(), options);
    merged.release();
    if (result === undefined) throw new Error('no result');
    expect(result.conditions.map(({ machine }) => machine.name).sort()).toEqual(['here', 'there']);
    expect(howMeasured(result).join('\n')).toMatch(/measured on 2 machines: here \(simulated\) .* trials/);
  });
});
