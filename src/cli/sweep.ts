// `npm run sweep -- <name|file|options>`: measures many settings on the real kernel, holds them against the model, and says which
// to take. `… -- merge <folders>` puts parts together.
import { join, relative, resolve } from 'node:path';
import { shortDuration } from '../base/duration.ts';
import { EXIT, type ExitCode, LabError } from '../base/errors.ts';
import { forTerminal } from '../base/escape/terminal.ts';
import { oneLine } from '../base/escape/visible.ts';
import { pointLatest, unwritable } from '../base/folder.ts';
import type { Hz } from '../base/hz.ts';
import { writePlain } from '../base/plain.ts';
import type { EngineName } from '../engines/auto/choose.ts';
import { SWEEP_REPORTERS } from '../report/sweep/catalogue.ts';
import { painter, wrap } from '../report/text.ts';
import type { SweepFolder } from '../sweep/folder.ts';
import type { Place } from '../sweep/place.ts';
import { listSweeps } from '../sweep/read-sweep.ts';
import type { SweepResult } from '../sweep/result.ts';
import { interrupted, runCommand } from './command.ts';
import { writeStepSummary } from './step-summary.ts';
import { joinPairs, type Options, shardOf, sweepCommand } from './sweep-options.ts';
import { colored, columnsOf } from './terminal.ts';

function showList(): void {
  const paint = painter(colored(process.stdout));
  const sweeps = listSweeps();
  const width = Math.max(...sweeps.map(({ name }) => name.length));
  const columns = Math.min(110, columnsOf(process.stdout));
  for (const { name, title, summary } of sweeps) {
    console.log(`${paint('bold', name.padEnd(width))}  ${title}`);
    for (const line of wrap(summary, columns - width - 2)) console.log(`${' '.repeat(width)}  ${paint('dim', line)}`);
  }
  console.error(
    '\nrun one: npm run sweep -- aws-nlb; or your own: npm run sweep -- --middlebox aws-nlb --scan keepIdle 30s..420s/30s --list keepInterval 1s,10s,75s',
  );
}

const VERDICT_EXIT = { pass: EXIT.asExpected, fail: EXIT.expectationFailed, inconclusive: EXIT.inconclusive } as const;

async function writeReports(folder: string, result: SweepResult): Promise<void> {
  for (const name of SWEEP_REPORTERS.names()) {
    const { file, render } = (await SWEEP_REPORTERS.load(name)).default;
    if (file) writePlain(join(folder, file), await render(result, { columns: 120, color: false, folder: '.' }));
  }
}

const shownPath = (folder: string): string => {
  const shown = relative(process.cwd(), folder);
  return oneLine(shown.startsWith('..') ? folder : shown);
};

async function goOn(folder: SweepFolder, place: Place, options: Options): Promise<ExitCode> {
  const [{ runSweep }, { SweepProgress }, { withSettings }] = await Promise.all([
    import('../sweep/run-sweep.ts'),
    import('./sweep-progress.ts'),
    import('../sweep/settings.ts'),
  ]);
  const { signal, dispose } = interrupted();
  const progress = new SweepProgress(process.stderr);
  const shown = shownPath(folder.folder);
  try {
    const bare = await runSweep(folder, place, { progress, signal, shard: options.shard });
    progress.stop();
    if (bare === undefined) {
      console.error(`part measured: ${shown}\nmerge the parts: npm run sweep -- merge ${shown} <the other parts>`);
      return EXIT.asExpected;
    }
    const result = await withSettings(bare);
    try {
      await writeReports(folder.folder, result);
      pointLatest(resolve(options.runs), folder.folder);
    } catch (error) {
      throw unwritable(folder.folder, error);
    }
    const reporter = (await SWEEP_REPORTERS.load(options.reporter)).default;
    const context = { columns: columnsOf(process.stdout), color: colored(process.stdout), folder: shown };
    if (reporter.file && process.stdout.isTTY) console.log(`${shown}/${reporter.file}`);
    else process.stdout.write(await reporter.render(result, context));
    writeStepSummary(reporter.summary?.(result));
    return VERDICT_EXIT[result.verdict];
  } catch (error) {
    progress.stop();
    const kept = folder.outcomes.size;
    if (kept > 0)
      console.error(`${kept.toLocaleString('en')} trials are kept; continue: npm run sweep -- --resume ${shown}`);
    if (signal.aborted) {
      console.error('interrupted; npm run sweep -- --resume goes on where it stopped');
      return EXIT.interrupted;
    }
    throw error;
  } finally {
    progress.stop();
    dispose();
    folder.release();
  }
}

const program = sweepCommand();
await runCommand(
  program,
  async () => {
    const options = program.opts<Options>();
    const words = program.args;
    if (words.length === 0 && options.middlebox === undefined && options.resume === undefined) {
      if (options.scan.length + options.list.length > 0)
        throw new LabError(
          'BAD_OPTION',
          'no middlebox given',
          'add --middlebox aws-nlb, or several: --middlebox aws-nlb,haproxy',
        );
      showList();
      return EXIT.asExpected;
    }
    const [{ choosePlace }, { SweepFolder, newestUnfinished }] = await Promise.all([
      import('../sweep/place.ts'),
      import('../sweep/folder.ts'),
    ]);
    const place = (engine: EngineName | 'auto', hz: number | undefined) =>
      choosePlace(engine, {
        ...(hz === undefined ? {} : { hz: hz as Hz }),
        ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
        kernel: options.kernel,
      });
    if (options.resume !== undefined) {
      const path = options.resume === true ? newestUnfinished(options.runs) : options.resume;
      if (path === undefined)
        throw new LabError('BAD_OPTION', 'there is no interrupted sweep', 'npm run sweep -- aws-nlb starts one');
      const folder = SweepFolder.resume(resolve(path));
      const { spec, shard } = folder.record;
      return goOn(folder, place(spec.engine, spec.hz), {
        ...options,
        ...(shard === null ? {} : { shard: shardOf(shard) }),
      });
    }
    if (words[0] === 'merge') {
      const { mergeSweeps } = await import('../sweep/merge.ts');
      const folder = mergeSweeps(
        words.slice(1).map((each) => resolve(each)),
        resolve(options.runs),
      );
      const { spec } = folder.record;
      return goOn(folder, place(spec.engine, spec.hz), options);
    }
    const where = place(options.engine, options.hz === undefined ? undefined : Number(options.hz));
    if (words.length > 1)
      throw new LabError('BAD_OPTION', `one sweep at a time, not ${words.join(', ')}`, 'npm run sweep -- aws-nlb');
    const [{ makeSpec }, { cellsOf }] = await Promise.all([
      import('../sweep/make-spec.ts'),
      import('../sweep/spec.ts'),
    ]);
    const { spec, notes } = makeSpec({ ...options, file: words[0] }, where);
    for (const note of notes) console.error(forTerminal(note));
    const cells = cellsOf(spec).length;
    console.error(
      `${cells.toLocaleString('en')} cells, ${spec.repeat === 1 ? 'once' : `${spec.repeat} times`} each, ${where.name === 'virtual' ? `in virtual time, ${shortDuration(spec.quietSeconds)} of quiet` : `in real time, ${shortDuration(spec.quietSeconds)} of quiet`}, HZ ${spec.hz}`,
    );
    const shard = options.shard === undefined ? null : `${options.shard.index}/${options.shard.of}`;
    return goOn(SweepFolder.create(resolve(options.runs), spec, new Date(), shard), where, options);
  },
  joinPairs(process.argv.slice(2)),
);
