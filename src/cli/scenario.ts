// `npm run scenario -- <name|file>`: stages a scenario, judges its evidence and reports it.
import { relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatDuration } from '../base/duration.ts';
import { EXIT, type ExitCode, LabError } from '../base/errors.ts';
import { forTerminal } from '../base/escape/terminal.ts';
import { DEFAULT_HZ, HZ, type Hz } from '../base/hz.ts';
import { PACES, type Pace } from '../base/pace.ts';
import { DEFAULT_RUNS } from '../base/runs.ts';
import { Slots } from '../base/slots.ts';
import { chooseEngine, ENGINE_NAMES, type EngineName } from '../engines/auto/choose.ts';
import type { Engine } from '../engines/engine.ts';
import type { Result, Verdict } from '../judge/result.ts';
import { findScenario, SCENARIOS } from '../plan/catalogue.ts';
import { COUNT_LIMITS } from '../plan/limits.ts';
import type { Plan } from '../plan/plan.ts';
import { REPORTERS } from '../report/catalogue.ts';
import type { Reporter } from '../report/reporter.ts';
import { painter, wrap } from '../report/text.ts';
import { complain, interrupted, runCommand } from './command.ts';
import { helpText } from './help.ts';
import { countOption, LIST_NAMES, type ListName } from './options.ts';
import { writeStepSummary } from './step-summary.ts';
import { colored, columnsOf } from './terminal.ts';

interface Options {
  engine: EngineName | 'auto';
  pace?: Pace;
  hz: string;
  kernel?: string;
  reporter: string;
  runs: string;
  jobs?: number;
  all?: true;
  keepGoing?: true;
  list?: ListName;
}

const VERDICT_EXIT: Record<Verdict, ExitCode> = {
  pass: EXIT.asExpected,
  fail: EXIT.expectationFailed,
  inconclusive: EXIT.inconclusive,
};

async function list(what: ListName): Promise<void> {
  const { entriesOf } = await import('./listing.ts');
  const paint = painter(colored(process.stdout));
  const entries = await entriesOf(what);
  const width = Math.max(...entries.map(({ name }) => name.length));
  const columns = Math.min(110, columnsOf(process.stdout));
  for (const { name, title, more } of entries) {
    const [first, ...others] = wrap(title, columns - width - 2);
    console.log(`${paint('bold', name.padEnd(width))}  ${first}`);
    for (const line of others) console.log(`${' '.repeat(width)}  ${line}`);
    for (const line of more === '' ? [] : wrap(more, columns - width - 2))
      console.log(`${' '.repeat(width)}  ${paint('dim', line)}`);
  }
  if (what === 'scenarios') console.error('\nrun one: npm run scenario -- rebalance');
}

interface Staging {
  options: Options;
  engine: Engine;
  names: readonly string[];
  jobs: number;
}

/** Writes what makes one document of the reports of several scenarios: `next` before each, `end` after the last. */
class Joined {
  readonly #several: NonNullable<Reporter['several']> | undefined;
  #count = 0;
  constructor(reporter: Reporter, scenarios: number) {
    // On a terminal the paths of documents are shown.
    this.#several = scenarios > 1 && !process.stdout.isTTY ? reporter.several : undefined;
  }
  next(): void {
    if (this.#several) process.stdout.write(this.#count++ === 0 ? this.#several.before : this.#several.between);
  }
  end(): void {
    if (this.#several) process.stdout.write(`${this.#count === 0 ? this.#several.before : ''}${this.#several.after}`);
  }
}

/** Shows a finished run on standard output. */
function show(reporter: Reporter, result: Result, folder: string): void {
  const shown = relative(process.cwd(), folder);
  const context = {
    columns: columnsOf(process.stdout),
    color: colored(process.stdout),
    folder: shown.startsWith('..') ? folder : shown,
  };
  if (reporter.file && process.stdout.isTTY) console.log(`${context.folder}/${reporter.file}`);
  else process.stdout.write(reporter.render(result, context));
  writeStepSummary(reporter.summary?.(result));
}

/** The gravest of several exit codes: interrupted, what could not run at all, failed, inconclusive. */
const GRAVITY = [EXIT.interrupted, EXIT.badInput, EXIT.cannotRun, EXIT.expectationFailed, EXIT.inconclusive] as const;
const gravest = (codes: readonly ExitCode[]): ExitCode =>
  GRAVITY.find((code) => codes.includes(code)) ?? EXIT.asExpected;

interface Planned {
  plans: Plan[];
  /** Of the names that could not be planned; each complaint has been shown. */
  failures: ExitCode[];
}

/** Plans every name before anything is played, so that all that is wrong is said at once. */
async function planAll(names: readonly string[], plan: (name: string) => Promise<Plan>): Promise<Planned> {
  const planned = await Promise.all(
    names.map(async (name): Promise<Plan | ExitCode> => {
      try {
        return await plan(name);
      } catch (error) {
        if (names.length === 1) throw error;
        return complain(error, name);
      }
    }),
  );
  return {
    plans: planned.filter((each) => typeof each === 'object'),
    failures: planned.filter((each) => typeof each === 'number'),
  };
}

async function stage({ options, engine, names, jobs }: Staging): Promise<ExitCode> {
  const [{ planScenario }, { KNOWN }, { waitSeconds }, { runScenario }, { Progress }, { default: reporter }] =
    await Promise.all([
      import('../plan/make-plan.ts'),
      import('../judge/known.ts'),
      import('../plan/plan.ts'),
      import('./run-scenario.ts'),
      import('./progress.ts'),
      REPORTERS.load(options.reporter),
    ]);
  // Real time has no patience for real lengths; virtual time has.
  const pace = options.pace ?? (engine.name === 'virtual' ? 'production' : 'compressed');
  const { plans, failures } = await planAll(names, async (name) =>
    planScenario(findScenario(name), pace, KNOWN, engine),
  );
  // Whoever asks for all of them has not asked for the one that this machine cannot play.
  if (failures.length > 0 && !((options.keepGoing || options.all) && plans.length > 0)) {
    if (plans.length > 0)
      console.error(
        `nothing was played; --keep-going plays the other ${plans.length === 1 ? 'scenario' : `${plans.length} scenarios`}`,
      );
    return gravest(failures);
  }
  const waits = plans.flatMap(({ acts }) => acts).reduce((sum, act) => sum + waitSeconds(act), 0);
  const progress = new Progress(process.stderr, {
    realTime: engine.name !== 'virtual',
    waits: jobs > 1 ? undefined : waits,
    sideBySide: engine.sideBySide || names.length > 1,
  });
  const joined = new Joined(reporter, names.length);
  const { signal, dispose } = interrupted();
  // Where acts are not played side by side, whole scenarios are.
  const slots = new Slots(engine.sideBySide ? plans.length : jobs);
  const play = async (plan: Plan): Promise<ExitCode> => {
    const done = await slots.take();
    try {
      const { result, folder } = await runScenario(plan, {
        engine,
        runsFolder: resolve(options.runs),
        onMessage: (message) => progress.tell(message, names.length > 1 ? plan.scenario : ''),
        signal,
        // One scenario is all that its command does; of several, each is told how long it took from its own turn on.
        ...(names.length === 1 ? { waitsSince: 0 } : {}),
      });
      progress.pause(() => {
        joined.next();
        show(reporter, result, folder);
      });
      return VERDICT_EXIT[result.verdict];
    } catch (error) {
      if (signal.aborted) return EXIT.interrupted;
      if (names.length === 1) throw error;
      return progress.pause(() => complain(error, plan.scenario));
    } finally {
      done();
    }
  };
  try {
    const codes = await Promise.all(plans.map(play));
    joined.end();
    if (plans.length > 1)
      progress.pause(() => console.error(`${plans.length} scenarios in ${formatDuration(performance.now() / 1000)}`));
    if (signal.aborted) progress.pause(() => console.error('interrupted; nothing is kept of a run that was under way'));
    if (failures.length > 0)
      progress.pause(() => console.error(`not played, see the first lines: ${failures.length} of ${names.length}`));
    return gravest([...failures, ...codes]);
  } finally {
    progress.stop();
    dispose();
  }
}

const program = new Command('scenario')
  .usage('[options] <name|file.yaml> …')
  .description('Stages a scenario: real kernel, real balancer, real client library. Judges the evidence, reports it.')
  .argument('[scenario...]', 'names of shipped scenarios, or paths of YAML files')
  .addOption(
    new Option('--engine <engine>', 'where the hosts live')
      .choices(['auto', ...ENGINE_NAMES])
      .default('auto')
      .env('IDLELAB_ENGINE'),
  )
  .addOption(
    new Option(
      '--pace <pace>',
      'compressed: seconds; production: real-life durations (default: production on virtual)',
    ).choices([...PACES]),
  )
  .addOption(
    new Option('--hz <hz>', 'of the virtual engine’s kernel: how late long timers fire')
      .choices(HZ.map(String))
      .default(String(DEFAULT_HZ)),
  )
  .addOption(
    new Option('--jobs <count>', 'how many labs may run at once: acts on virtual, scenarios elsewhere')
      .argParser(countOption(COUNT_LIMITS.jobs))
      .default(undefined, 'one for each CPU on virtual, else 1'),
  )
  .option('--kernel <path>', 'a ready kernel for the virtual engine')
  .addOption(new Option('--reporter <format>', 'how to report').choices(REPORTERS.names()).default('pretty'))
  .option('--runs <folder>', 'where runs are kept', DEFAULT_RUNS)
  .option('--all', 'play all shipped scenarios')
  .option('--keep-going', 'play the other scenarios although one cannot be read; the worst exit code counts')
  .addOption(
    new Option('--list [what]', 'list the shipped scenarios, or what a scenario may name')
      .choices(LIST_NAMES)
      .preset('scenarios'),
  )
  .addHelpText(
    'after',
    helpText(
      'exit codes: 0 as expected, 1 an expectation failed, 2 inconclusive, 3 this machine cannot run it, 4 bad input, 130 interrupted',
    ),
  );

await runCommand(program, async () => {
  const options = program.opts<Options>();
  if (options.list) {
    await list(options.list);
    return EXIT.asExpected;
  }
  const names = options.all ? SCENARIOS.names() : program.args;
  if (names.length === 0)
    throw new LabError(
      'BAD_OPTION',
      'no scenario given',
      'npm run scenario -- rebalance; npm run scenario -- --list shows all of them',
    );
  if (names.length > 1 && (await REPORTERS.load(options.reporter)).default.single)
    throw new LabError(
      'BAD_OPTION',
      `--reporter ${options.reporter} writes one document, and ${names.length} scenarios are to be played`,
      'take json, minimal or pretty, or play them one by one',
    );
  const jobs = options.jobs;
  const { engine, reason } = await chooseEngine(options.engine, {
    hz: Number(options.hz) as Hz,
    ...(jobs === undefined ? {} : { jobs }),
    kernel: options.kernel,
  });
  if (reason !== undefined) console.error(forTerminal(`engine: ${reason}`));
  return stage({ options, engine, names, jobs: jobs ?? 1 });
});
