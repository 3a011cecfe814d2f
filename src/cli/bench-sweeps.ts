// Sweeps at the lengths of life and in seconds: how long they take, and how much memory all their processes have together.
import { findKernel } from '../engines/virtual/kernel.ts';
import { changeSeconds, momentsOf } from '../stage/bench/schedule.ts';
import { parseList, parseScan } from '../sweep/grid.ts';
import { landscapeTrials } from '../sweep/run-sweep.ts';
import { type SweepSpec, sweptBoxes } from '../sweep/spec.ts';
import type { Figure } from './figure.ts';
import { costOf } from './processes.ts';

/** Runs a sweep as a person would. */
const sweep = (args: readonly string[]) => costOf(['src/cli/sweep.ts', ...args, '--reporter', 'minimal']);

const NIGHT = [
  ...['--middlebox', 'l4-drop', '--scan', 'keepIdle', '25s..625s/25s', '--list', 'keepInterval', '1s,10s,30s,75s'],
  ...['--list', 'timeout', '60s,120s,240s,350s,400s,450s,500s,550s,600s,900s', '--repeat', '1', '--engine', 'virtual'],
];
const IDLE = '1s..10s/1s';
const [INTERVALS, PROBES, TIMEOUTS] = ['1s,2s', '2,3,4,5,9', '2s,4s,6s,8s,11s'];

/** The longest of five hundred cells, in seconds of its own: from its first connection to its last answer. */
function longestCell(): number {
  const spec: SweepSpec = {
    ...{ schemaVersion: 1, name: 'bench', title: '', story: '', pace: 'compressed', engine: 'netns', measure: 'all' },
    boxes: sweptBoxes('l4-drop', parseList('timeout', TIMEOUTS).values),
    axes: [parseScan('keepIdle', IDLE), parseList('keepInterval', INTERVALS), parseList('keepProbes', PROBES)],
    ...{
      quietSeconds: 20,
      repeat: 1,
      seed: 1,
      lost: [1, 2, 3],
      outages: [1, 3, 6],
      patienceSeconds: 3,
      countSeconds: 10,
      hz: 250,
    },
    demands: { lost: 1, outageSeconds: 3, noticeSeconds: 0 },
  };
  const trials = landscapeTrials(spec);
  const changeAt = changeSeconds(trials, spec.hz);
  return Math.max(
    ...trials.map((trial) => {
      const { openAt, askAt, untilAt } = momentsOf(trial, changeAt, spec.hz);
      return untilAt ?? askAt ?? openAt + spec.quietSeconds;
    }),
  );
}

export async function sweepFigures(scratch: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  if (findKernel() === undefined)
    console.error('sweeps in virtual time are left out: their kernel is not built (npm run kernel)');
  else {
    const night = await sweep([...NIGHT, '--runs', scratch]);
    figures.push(
      {
        what: 'a sweep of 1,000 cells through 8 h, what lies next to the best and its report included',
        value: night.seconds,
        limit: 60,
        unit: 's',
      },
      { what: 'memory of all its processes together', value: night.memoryMb, limit: 1500, unit: 'MB' },
    );
  }
  const seconds = await sweep([
    ...[
      '--middlebox',
      'l4-drop',
      '--scan',
      'keepIdle',
      IDLE,
      '--list',
      'keepInterval',
      INTERVALS,
      '--list',
      'keepProbes',
      PROBES,
    ],
    ...[
      '--list',
      'timeout',
      TIMEOUTS,
      '--quiet',
      '20s',
      '--repeat',
      '1',
      '--engine',
      'netns',
      '--shard',
      '1/1',
      '--runs',
      scratch,
    ],
  ]);
  const longest = longestCell();
  figures.push(
    {
      what: 'a sweep of 500 cells in real time, as a part of the longest of them',
      value: seconds.seconds / longest,
      limit: 1.2,
      unit: '×',
      note: `${seconds.seconds.toFixed(1)} s and ${longest.toFixed(1)} s`,
    },
    { what: 'memory of all its processes together, in real time', value: seconds.memoryMb, limit: 1500, unit: 'MB' },
  );
  return figures;
}
