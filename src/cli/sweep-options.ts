// The command line of `npm run sweep`: its options, and how they are read.
import { Command, InvalidArgumentError, Option } from 'commander';
import { HZ } from '../base/hz.ts';
import { PACES, type Pace } from '../base/pace.ts';
import { DEFAULT_RUNS } from '../base/runs.ts';
import { ENGINE_NAMES, type EngineName } from '../engines/auto/choose.ts';
import { COUNT_LIMITS, DURATION_LIMITS } from '../plan/limits.ts';
import { SWEEP_REPORTERS } from '../report/sweep/catalogue.ts';
import { PARAMETERS } from '../sweep/grid.ts';
import type { Shard } from '../sweep/run-sweep.ts';
import type { SweepSpec } from '../sweep/spec.ts';
import { helpList, helpText } from './help.ts';
import { countOption, durationOption } from './options.ts';

/** The options of a sweep as they were parsed; durations in seconds. */
export interface Options {
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
export function joinPairs(words: readonly string[]): string[] {
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
  if (at < 1) throw new InvalidArgumentError('Expected a setting and its values, as in --scan keepIdle 30s..600s/30s.');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
};

/** @throws InvalidArgumentError */
export function shardOf(text: string): Shard {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (!(shard.index >= 1 && shard.index <= shard.of && shard.of <= COUNT_LIMITS.shards.most))
    throw new InvalidArgumentError(`Expected a part, as in 1/4, of at most ${COUNT_LIMITS.shards.most}.`);
  return shard;
}

export const sweepCommand = (): Command =>
  new Command('sweep')
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
        durationOption(DURATION_LIMITS.wait),
      ),
    )
    .addOption(
      new Option('--repeat <count>', 'how often each cell is measured, from different offsets (default: 3)').argParser(
        countOption(COUNT_LIMITS.repeat),
      ),
    )
    .addOption(
      new Option(
        '--survive-lost <count>',
        'lost probes in a row that a recommended tuning survives (default: 2)',
      ).argParser(countOption(COUNT_LIMITS.lost)),
    )
    .addOption(
      new Option('--survive-outage <duration>', 'an outage that it survives; 0s for none (default: 60s)').argParser(
        durationOption(DURATION_LIMITS.outage),
      ),
    )
    .addOption(
      new Option('--notice-within <duration>', 'how soon it notices a dead peer while idle').argParser(
        durationOption(DURATION_LIMITS.noticeWithin),
      ),
    )
    .addOption(
      new Option('--measure <which>', 'points that are measured: all, those where something changes, none').choices([
        'all',
        'frontier',
        'none',
      ]),
    )
    .addOption(
      new Option('--seed <number>', 'of the offsets from which repeats start')
        .argParser(countOption(COUNT_LIMITS.seed))
        .default(1),
    )
    .addOption(
      new Option('--shard <i/n>', 'measure a part only, as in 1/4; put parts together with merge').argParser(shardOf),
    )
    .option('--resume [folder]', 'continue an interrupted sweep, by default the newest')
    .addOption(
      new Option('--engine <engine>', 'where it is measured')
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
      new Option('--hz <hz>', 'of the virtual engine’s kernel: how late long timers fire (default: 250)').choices(
        HZ.map(String),
      ),
    )
    .addOption(
      new Option('--jobs <count>', 'how many labs may run at once on virtual')
        .argParser(countOption(COUNT_LIMITS.jobs))
        .default(undefined, 'one for each CPU'),
    )
    .option('--kernel <path>', 'a ready kernel for the virtual engine')
    .option('--patient', 'measure production durations in real time anyway')
    .addOption(new Option('--reporter <format>', 'how to report').choices(SWEEP_REPORTERS.names()).default('pretty'))
    .option('--runs <folder>', 'where results are kept', DEFAULT_RUNS)
    .addHelpText(
      'after',
      [
        "\nsettings, with server. before one for the server's:",
        helpList(Object.entries(PARAMETERS).map(([name, { about }]) => [name, about])),
        helpText(
          'exit codes: 0 the model and the measurements agree, 1 they do not, 2 inconclusive, 3 this machine cannot run it, 4 bad input, 130 interrupted',
        ),
      ].join('\n'),
    );
