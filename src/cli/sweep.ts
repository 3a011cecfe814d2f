// `npm run sweep -- <name|file|options>`: measures many settings on the real kernel, holds them against the model, and says which
// to take. `… -- merge <folders>` puts parts together.
import { join, relative, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { forTerminal } from '../base/escape/terminal.ts';
import { oneLine } from '../base/escape/visible.ts';
import { pointLatest, unwritable } from '../base/folder.ts';
import { writePlain } from '../base/plain.ts';
import { ENGINE_NAMES, type EngineName } from '../engines/choose.ts';
import { EXIT, type ExitCode, LabError } from '../errors.ts';
import { painter, wrap } from '../report/text.ts';
import { DEFAULT_RUNS } from '../runs.ts';
import { SWEEP_REPORTERS } from '../scenario/catalogue.ts';
import { parseDuration, shortDuration } from '../scenario/duration.ts';
import { HZ, type Hz } from '../scenario/hz.ts';
import { PACES, type Pace } from '../scenario/pace.ts';
import type { SweepFolder } from '../sweep/folder.ts';
import { PARAMETERS } from '../sweep/grid.ts';
import type { Place } from '../sweep/place.ts';
import { listSweeps } from '../sweep/read-sweep.ts';
import type { SweepResult } from '../sweep/result.ts';
import type { Shard } from '../sweep/run-sweep.ts';
import type { SweepSpec } from '../sweep/spec.ts';
import { interrupted, runCommand } from './command.ts';
import { writeStepSummary } from './step-summary.ts';
import { colored, columnsOf } from './terminal.ts';

interface Options {
  scan: [string, string][];
  list: [string, string][];
  middlebox?: string[];
  quiet?: number;
  repeat?: number;
  surviveLost?: number;
  surviveOutage?: number;
  noticeWithin?: number;
  measure?: SweepSpec['measure'];
  seed: number;
  shard?: Shard;
  resume?: true | string;
  engine: EngineName | 'auto';
  pace?: Pace;
  hz?: string;
  jobs?: number;
  kernel?: string;
  patient?: true;
  reporter: string;
  runs: string;
}

const PAIRED = ['--scan', '--list'];

/** "--scan keepIdle 30s..600s/30s" has two words for one option; "--scan keepIdle=30s..600s/30s" is as good. */
function joinPairs(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    joined.push(word);
    if (!PAIRED.includes(word)) continue;
    const [name, values] = [words[index + 1], words[index + 2]];
    if (name === undefined) continue;
    const whole = name.includes('=') || values === undefined || values.startsWith('--');
    joined.push(whole ? name : `${name}=${values}`);
    index += whole ? 1 : 2;
  }
  return joined;
}

const pairs = (text: string, before: [string, string][]): [string, string][] => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('a setting and its values, as in --scan keepIdle 30s..600s/30s');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
};

function seconds(text: string): number {
  const found = parseDuration(text);
  if (found === undefined) throw new InvalidArgumentError('a duration, as in 350s or 8h');
  return found;
}

function count(text: string): number {
  const found = Number(text);
  if (!Number.isInteger(found) || found < 0) throw new InvalidArgumentError('a whole number');
  return found;
}

function atLeastOne(text: string): number {
  const found = count(text);
  if (found < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return found;
}

function shardOf(text: string): Shard {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (!(shard.index >= 1 && shard.index <= shard.of)) throw new InvalidArgumentError('a part, as in 1/4');
  return shard;
}

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
    import('../settings/with-settings.ts'),
  ]);
  const { signal, dispose } = interrupted();
  const progress = new SweepProgress(process.stderr);
  const shown = shownPath(folder.folder);
  try {
    const bare = await runSweep(folder, place, { progress, signal, shard: options.shard });
    progress.stop();
    if (bare === undefined) {
      console.error(
        `a part is measured: ${shown}\nput them together: npm run sweep -- merge ${shown} <the other parts>`,
      );
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
      console.error(`${kept.toLocaleString('en')} trials are kept; go on: npm run sweep -- --resume ${shown}`);
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    progress.stop();
    dispose();
    folder.release();
  }
}

const program = new Command('sweep')
  .usage('[options] [name|file.yaml] | merge <folders>')
  .description('Measures many settings on the real kernel, holds them against the model, and says which to take.')
  .argument('[sweep...]', 'a shipped sweep, or the path of a YAML file; without one, options say what is swept')
  .addOption(
    new Option('--scan <name> <from..to/step>', 'vary a setting, as in keepIdle 30s..600s/30s')
      .argParser(pairs)
      .default([], 'nothing'),
  )
  .addOption(
    new Option('--list <name> <values>', 'vary a setting, as in keepInterval 1s,10s,75s')
      .argParser(pairs)
      .default([], 'nothing'),
  )
  .addOption(
    new Option('--middlebox <names>', 'files of lab/middleboxes, with commas').argParser((text) =>
      text.split(',').map((each) => each.trim()),
    ),
  )
  .addOption(
    new Option('--quiet <duration>', 'how long the application is quiet (default: 8h; 12s compressed)').argParser(
      seconds,
    ),
  )
  .addOption(
    new Option('--repeat <count>', 'how often each cell is measured, from different offsets (default: 3)').argParser(
      atLeastOne,
    ),
  )
  .addOption(
    new Option(
      '--survive-lost <count>',
      'lost probes in a row that a recommended tuning outlives (default: 2)',
    ).argParser(count),
  )
  .addOption(
    new Option('--survive-outage <duration>', 'an outage that it outlives; 0s for none (default: 60s)').argParser(
      seconds,
    ),
  )
  .addOption(new Option('--notice-within <duration>', 'how soon it notices a dead peer while idle').argParser(seconds))
  .addOption(
    new Option('--measure <which>', 'points that are measured: all, those where something changes, none').choices([
      'all',
      'frontier',
      'none',
    ]),
  )
  .addOption(new Option('--seed <number>', 'of the offsets from which repeats start').argParser(count).default(1))
  .addOption(
    new Option('--shard <i/n>', 'measure a part only, as in 1/4; put parts together with merge').argParser(shardOf),
  )
  .option('--resume [folder]', 'go on with a sweep that was interrupted, the newest by default')
  .addOption(
    new Option('--engine <engine>', 'virtual or netns')
      .choices(['auto', ...ENGINE_NAMES])
      .default('auto')
      .env('IDLELAB_ENGINE'),
  )
  .addOption(
    new Option(
      '--pace <pace>',
      'compressed: seconds; production: the lengths of life (default: production on virtual)',
    ).choices([...PACES]),
  )
  .addOption(
    new Option('--hz <hz>', 'of the virtual engine’s kernel: how late long timers fire (default: 250)').choices(
      HZ.map(String),
    ),
  )
  .addOption(
    new Option('--jobs <count>', 'how many labs may run at once on virtual')
      .argParser(atLeastOne)
      .default(undefined, 'one for each CPU'),
  )
  .option('--kernel <path>', 'a ready kernel for the virtual engine')
  .option('--patient', 'measure production lengths in real time all the same')
  .addOption(new Option('--reporter <format>', 'how to report').choices(SWEEP_REPORTERS.names()).default('pretty'))
  .option('--runs <folder>', 'where results are kept', DEFAULT_RUNS)
  .addHelpText(
    'after',
    `\nsettings, with server. before one for the server's:\n${Object.entries(PARAMETERS)
      .map(([name, { about }]) => `  ${name.padEnd(17)} ${about}`)
      .join(
        '\n',
      )}\n\nexit codes: 0 the model and the measurements agree, 1 they do not, 2 inconclusive, 3 this machine cannot run it, 4 bad input, 130 interrupted`,
  );

await runCommand(
  program,
  async () => {
    const options = program.opts<Options>();
    const words = program.args;
    if (words.length === 0 && options.middlebox === undefined && options.resume === undefined) {
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
        throw new LabError(
          'BAD_OPTION',
          'there is no sweep that was interrupted',
          'npm run sweep -- aws-nlb begins one',
        );
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
      `${cells.toLocaleString('en')} cells, ${spec.repeat} times each, ${where.name === 'virtual' ? `in virtual time, ${shortDuration(spec.quietSeconds)} of quiet` : `in real time, ${shortDuration(spec.quietSeconds)} of quiet`}, HZ ${spec.hz}`,
    );
    const shard = options.shard === undefined ? null : `${options.shard.index}/${options.shard.of}`;
    return goOn(SweepFolder.create(resolve(options.runs), spec, new Date(), shard), where, options);
  },
  joinPairs(process.argv.slice(2)),
);
