import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { SWEEPS } from '../../src/plan/catalogue.ts';
import { type SweepResult, sweepResultSchema } from '../../src/sweep/result.ts';
import { asExpected } from '../../src/sweep/verdict.ts';
import { start } from '../helpers/cli.ts';
import { kernelsBuilt } from '../helpers/kernels.ts';

const CLI = join(packageRoot, 'src/cli/sweep.ts');
const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-shipped-virtual-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

/** What is not as the model says, in the result's own terms. */
const wrong = ({ verdict, trials, disagreements, problems, recommendations }: SweepResult) => ({
  verdict,
  disagreements,
  problems,
  notWithinTheModel: trials.measured - trials.agree + trials.unanswered,
  neighbours: recommendations.flatMap(({ neighbours }) => neighbours.filter((each) => asExpected(each) !== true)),
});

describe.runIf(kernelsBuilt)('the shipped sweeps, on a time-travelling kernel at their production pace', () => {
  it.each(SWEEPS.names())(
    '%s passes, and every trial is what the model predicts',
    async (name) => {
      const args = [name, '--engine', 'virtual', '--pace', 'production', '--reporter', 'json', '--runs', runs];
      const { code, stdout, stderr } = await start(args, [], {}, CLI).ended;
      expect([code, stderr.match(/^.*: [A-Z_]+: .*$/m)]).toEqual([0, null]);
      const result = sweepResultSchema.parse(JSON.parse(stdout));
      expect(result.trials.measured).toBeGreaterThan(100);
      expect(wrong(result)).toEqual({
        verdict: 'pass',
        disagreements: [],
        problems: [],
        notWithinTheModel: 0,
        neighbours: [],
      });
      // Single connections were looked at, from beginning to end.
      expect(result.witnesses.length).toBeGreaterThan(0);
      for (const { title, ladder } of result.witnesses) {
        const looks = ladder.rows.flatMap((row) => (row.kind === 'states' ? [row] : []));
        expect([title, looks[0]?.label, looks[0]?.states.client, looks.at(-1)?.label]).toEqual([
          title,
          'quiet begins',
          'ESTAB',
          'the end',
        ]);
      }
    },
    1_800_000,
  );
});
