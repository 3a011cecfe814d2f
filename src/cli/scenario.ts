// `npm run scenario -- <name|file>`: stages a scenario, judges its evidence and reports it.
import { relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { netns } from '../engines/netns/engine.ts';
import { virtual } from '../engines/virtual/engine.ts';
import { DEFAULT_HZ, HZ, type Hz } from '../engines/virtual/kernel.ts';
import { EXIT, type ExitCode, LabError } from '../errors.ts';
import type { Verdict } from '../judge/result.ts';
import { painter, wrap } from '../report/text.ts';
import { DEFAULT_RUNS } from '../runs.ts';
import { findScenario, listScenarios, REPORTERS } from '../scenario/catalogue.ts';
import { PACES, type Pace } from '../scenario/pace.ts';
import { interrupted, runCommand } from './command.ts';

const ENGINES = { netns: () => netns, virtual } as const;

interface Options {
  engine: keyof typeof ENGINES | 'auto';
  pace?: Pace;
  hz: string;
  kernel?: string;
  reporter: string;
  runs: string;
  list?: true;
}

const VERDICT_EXIT: Record<Verdict, ExitCode> = {
  pass: EXIT.asExpected,
  fail: EXIT.expectationFailed,
  inconclusive: EXIT.inconclusive,
};

const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns ?? (Number(process.env.COLUMNS) || 100);

/** Colour on terminals, unless NO_COLOR or the terminal says no; FORCE_COLOR wins. */
const colored = (stream: NodeJS.WriteStream): boolean =>
  process.env.FORCE_COLOR ? process.env.FORCE_COLOR !== '0' : stream.isTTY === true && stream.hasColors();

function list(): void {
  const paint = painter(colored(process.stdout));
  const scenarios = listScenarios();
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  const columns = Math.min(110, columnsOf(process.stdout));
  for (const { name, title, summary } of scenarios) {
    console.log(`${paint('bold', name.padEnd(width))}  ${title}`);
    for (const line of wrap(summary, columns - width - 2)) console.log(`${' '.repeat(width)}  ${paint('dim', line)}`);
  }
  console.error('\nrun one: npm run scenario -- rebalance');
}

async function stage(name: string, options: Options): Promise<ExitCode> {
  const path = findScenario(name);
  const [{ planScenario, waitSeconds }, { runScenario }, { Progress }, { default: reporter }] = await Promise.all([
    import('../scenario/plan.ts'),
    import('../run-scenario.ts'),
    import('./progress.ts'),
    REPORTERS.load(options.reporter),
  ]);
  if (options.kernel !== undefined) process.env.IDLELAB_KERNEL = options.kernel;
  const engine = options.engine === 'auto' ? netns : ENGINES[options.engine](Number(options.hz) as Hz);
  // Real time has no patience for real lengths; virtual time has.
  const plan = await planScenario(path, options.pace ?? (engine.name === 'virtual' ? 'production' : 'compressed'));
  if (options.engine === 'auto') console.error('engine: netns (network namespaces of this machine, in real time)');
  const progress = new Progress(
    process.stderr,
    plan.acts.reduce((sum, act) => sum + waitSeconds(act), 0),
    engine.name !== 'virtual',
  );
  const { signal, dispose } = interrupted();
  try {
    const { result, folder } = await runScenario(plan, {
      engine,
      runsFolder: resolve(options.runs),
      onMessage: (message) => progress.tell(message),
      signal,
    });
    progress.stop();
    const shown = relative(process.cwd(), folder);
    const context = {
      columns: columnsOf(process.stdout),
      color: colored(process.stdout),
      folder: shown.startsWith('..') ? folder : shown,
    };
    if (reporter.file && process.stdout.isTTY) console.log(`${context.folder}/${reporter.file}`);
    else process.stdout.write(reporter.render(result, context));
    return VERDICT_EXIT[result.verdict];
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    progress.stop();
    dispose();
  }
}

const program = new Command('scenario')
  .usage('[options] <name|file.yaml>')
  .description('Stages a scenario: real kernel, real balancer, real client library. Judges the evidence, reports it.')
  .argument('[scenario]', 'name of a shipped scenario, or path of a YAML file')
  .addOption(
    new Option('--engine <engine>', 'where the hosts live').choices(['auto', ...Object.keys(ENGINES)]).default('auto'),
  )
  .addOption(
    new Option(
      '--pace <pace>',
      'compressed: seconds; production: the lengths of life (default: production on virtual)',
    ).choices([...PACES]),
  )
  .addOption(
    new Option('--hz <hz>', 'of the virtual engine’s kernel: how late long timers fire')
      .choices(HZ.map(String))
      .default(String(DEFAULT_HZ)),
  )
  .option('--kernel <path>', 'a ready kernel for the virtual engine')
  .addOption(new Option('--reporter <format>', 'how to report').choices(REPORTERS.names()).default('pretty'))
  .option('--runs <folder>', 'where runs are kept', DEFAULT_RUNS)
  .option('--list', 'the shipped scenarios')
  .addHelpText(
    'after',
    '\nexit codes: 0 as expected, 1 an expectation failed, 2 inconclusive, 3 this machine cannot run it, 4 bad input, 130 interrupted',
  )
  .allowExcessArguments(false);

await runCommand(program, async () => {
  const options = program.opts<Options>();
  const [name] = program.args;
  if (options.list) {
    list();
    return EXIT.asExpected;
  }
  if (name === undefined)
    throw new LabError(
      'BAD_OPTION',
      'which scenario?',
      'npm run scenario -- rebalance; all of them: npm run scenario -- --list',
    );
  return stage(name, options);
});
