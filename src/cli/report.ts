// `npm run report -- <run>`: renders a run again, in any format; `npm run report -- diff <a> <b>` compares two.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import { EXIT, type ExitCode, LabError, messageOf } from '../base/errors.ts';
import { json } from '../base/escape/json.ts';
import { readPlain } from '../base/plain.ts';
import { printable } from '../base/quote.ts';
import { DEFAULT_RUNS } from '../base/runs.ts';
import { issueText, MOST_BYTES } from '../evidence/document.ts';
import { judgeFolder } from '../judge/judge.ts';
import { parseResult } from '../judge/migrate.ts';
import type { Result } from '../judge/result.ts';
import { REPORTERS } from '../report/catalogue.ts';
import { compareResults, renderDiff, sameOutcome } from '../report/diff.ts';
import type { Reporter } from '../report/reporter.ts';
import { SWEEP_REPORTERS } from '../report/sweep/catalogue.ts';
import { compareSweeps, renderSweepDiff } from '../report/sweep/diff.ts';
import { painter } from '../report/text.ts';
import { parseSweepResult } from '../sweep/read-result.ts';
import type { SweepResult } from '../sweep/result.ts';
import { runCommand } from './command.ts';
import { helpList, helpText } from './help.ts';
import { writeStepSummary } from './step-summary.ts';
import { colored, columnsOf } from './terminal.ts';

interface Options {
  reporter: string;
  runs: string;
  judge?: true;
}

const RESULT_FILE = 'result.json';
const HOW_TO_NAME =
  'name its folder, its result.json, a scenario (its newest run), or "latest"; npm run scenario makes one';

/** The folder of a run, by a path, a scenario's name (its newest run) or "latest". @throws LabError BAD_OPTION */
function findRun(text: string, runs: string): string {
  const candidates = [text.endsWith(RESULT_FILE) ? join(text, '..') : text, join(runs, text)];
  for (const folder of candidates) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) continue;
    if (existsSync(join(folder, RESULT_FILE))) return folder;
    const newest = readdirSync(folder)
      .filter((name) => existsSync(join(folder, name, RESULT_FILE)) && !name.startsWith('.'))
      .sort()
      .at(-1);
    if (newest !== undefined) return join(folder, newest);
  }
  throw new LabError('BAD_OPTION', `there is no run "${text}"`, HOW_TO_NAME);
}

/** @throws LabError BAD_EVIDENCE where its result is of another form */
async function resultOf(folder: string, { judge }: Options): Promise<Result> {
  if (judge) return (await judgeFolder(folder)).result;
  const file = join(folder, RESULT_FILE);
  let document: unknown;
  try {
    document = JSON.parse(readPlain(file, MOST_BYTES.result));
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw new LabError(
      'BAD_EVIDENCE',
      `cannot read ${file}: ${messageOf(error)}`,
      'judge its evidence again with --judge',
      error,
    );
  }
  const parsed = parseResult(document);
  if (parsed.success) return parsed.data;
  throw new LabError(
    'BAD_EVIDENCE',
    `${file} is not as this version writes it: ${issueText(parsed.error)}`,
    'judge its evidence again with --judge',
  );
}

const [columns, color] = [columnsOf(process.stdout), colored(process.stdout)];

/** The result of a sweep, where the run is one. @throws LabError BAD_EVIDENCE */
function sweepIn(folder: string): SweepResult | undefined {
  const file = join(folder, RESULT_FILE);
  let document: { kind?: unknown } | null;
  try {
    document = JSON.parse(readPlain(file, MOST_BYTES.result)) as typeof document;
  } catch {
    return undefined;
  }
  return document?.kind === 'sweep' ? parseSweepResult(document, { file, folder }) : undefined;
}

function shownPath(folder: string): string {
  const shown = relative(process.cwd(), folder);
  return shown.startsWith('..') ? folder : shown;
}

const DIFF_FORMATS = ['pretty', 'json'];

/** Refuses a format that what is shown does not have, and offers those that it has. @throws LabError BAD_OPTION */
function checkFormat(format: string, formats: readonly string[], what: string): void {
  if (formats.includes(format)) return;
  throw new LabError('BAD_OPTION', `${what} cannot be shown as ${printable(format)}`, `take ${formats.join(', ')}`);
}

async function renderSweep(sweep: SweepResult, folder: string, format: string): Promise<ExitCode> {
  checkFormat(format, SWEEP_REPORTERS.names(), 'a sweep');
  const { default: reporter } = await SWEEP_REPORTERS.load(format);
  process.stdout.write(await reporter.render(sweep, { columns, color, folder: shownPath(folder) }));
  writeStepSummary(reporter.summary?.(sweep));
  return EXIT.asExpected;
}

async function render(run: string, options: Options): Promise<ExitCode> {
  const folder = findRun(run, options.runs);
  const sweep = sweepIn(folder);
  if (sweep !== undefined) return renderSweep(sweep, folder, options.reporter);
  checkFormat(options.reporter, REPORTERS.names(), 'a scenario');
  const [result, { default: reporter }] = (await Promise.all([
    resultOf(folder, options),
    REPORTERS.load(options.reporter),
  ])) as [Result, { default: Reporter }];
  process.stdout.write(reporter.render(result, { columns, color, folder: shownPath(folder) }));
  writeStepSummary(reporter.summary?.(result));
  return EXIT.asExpected;
}

function diffSweeps(a: SweepResult, b: SweepResult, { reporter }: Options): ExitCode {
  const differences = compareSweeps(a, b);
  const same = differences.every(({ kind }) => kind === 'condition');
  if (reporter === 'json') process.stdout.write(json({ same, differences }, 2));
  else process.stdout.write(renderSweepDiff(a, b, { columns, paint: painter(color) }));
  return same ? EXIT.asExpected : EXIT.expectationFailed;
}

async function diff(one: string, other: string, options: Options): Promise<ExitCode> {
  checkFormat(options.reporter, DIFF_FORMATS, 'a difference');
  const sweeps = [one, other].map((run) => sweepIn(findRun(run, options.runs)));
  if (sweeps[0] !== undefined && sweeps[1] !== undefined) return diffSweeps(sweeps[0], sweeps[1], options);
  if (sweeps.some((sweep) => sweep !== undefined))
    throw new LabError('BAD_OPTION', 'a sweep and a scenario cannot be compared', 'name two sweeps, or two scenarios');
  const [a, b] = (await Promise.all([one, other].map((run) => resultOf(findRun(run, options.runs), options)))) as [
    Result,
    Result,
  ];
  const differences = compareResults(a, b);
  if (options.reporter === 'json') process.stdout.write(json({ same: sameOutcome(differences), differences }, 2));
  else process.stdout.write(renderDiff(a, b, { columns, paint: painter(color) }));
  return sameOutcome(differences) ? EXIT.asExpected : EXIT.expectationFailed;
}

const program = new Command('report')
  .usage('[options] <run> | diff <a> <b>')
  .description('Renders a run again, in any format; or compares two runs. Nothing is played.')
  .argument(
    '<run...>',
    'a run: its folder, its result.json, a scenario’s or sweep’s name (the newest run of it), or latest',
  )
  .option('--reporter <format>', 'how to report; which formats there are depends on what is shown', 'pretty')
  .option('--judge', 'judge the evidence again instead of taking the result as it was written')
  .option('--runs <folder>', 'where runs are kept', DEFAULT_RUNS)
  .addHelpText(
    'after',
    [
      '\nformats:',
      helpList([
        ['a scenario', REPORTERS.names().join(', ')],
        ['a sweep', SWEEP_REPORTERS.names().join(', ')],
        ['diff', DIFF_FORMATS.join(', ')],
      ]),
      helpText(
        'exit codes: 0 shown (diff: outcomes are the same), 1 outcomes differ, 2 the run cannot be read, 4 bad input',
      ),
    ].join('\n'),
  );

await runCommand(program, async () => {
  const options = program.opts<Options>();
  const [first, ...more] = program.args as [string, ...string[]];
  if (first === 'diff') {
    const [a, b, ...rest] = more;
    if (a === undefined || b === undefined || rest.length > 0)
      throw new LabError('BAD_OPTION', 'diff compares two runs', 'npm run report -- diff <a> <b>');
    return diff(a, b, options);
  }
  if (more.length > 0)
    throw new LabError('BAD_OPTION', 'one run at a time', 'npm run report -- <run>; two: diff <a> <b>');
  return render(first, options);
});
