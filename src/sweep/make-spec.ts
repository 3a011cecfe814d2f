// Makes the spec of a sweep from a file of lab/sweeps, from options, or from both: options win.

import { shortDuration } from '../base/duration.ts';
import { LabError } from '../base/errors.ts';
import type { Pace } from '../base/pace.ts';
import { type Axis, axisName, parseList, parseScan } from './grid.ts';
import type { Place } from './place.ts';
import { readSweep, type SweepFile } from './read-sweep.ts';
import { landscapeTrials } from './run-sweep.ts';
import {
  countTrials,
  type Demands,
  problemOf,
  type SpecProblem,
  type SweepSpec,
  sweptBoxes,
  trialsProblem,
} from './spec.ts';

/** What somebody asks for beside a file; what is undefined is the file's, or the usual. Seconds. */
export interface SweepWish {
  /** The name of a shipped sweep, or the path of a YAML file. */
  file?: string | undefined;
  /** Settings by name, as in `['keepIdle', '30s..600s/30s']` and `['keepInterval', '1s,10s']`. */
  scan?: readonly (readonly [string, string])[];
  list?: readonly (readonly [string, string])[];
  middlebox?: readonly string[] | undefined;
  pace?: Pace | undefined;
  quiet?: number | undefined;
  repeat?: number | undefined;
  surviveLost?: number | undefined;
  surviveOutage?: number | undefined;
  noticeWithin?: number | undefined;
  measure?: SweepSpec['measure'] | undefined;
  seed?: number | undefined;
  /** Whether production lengths may be waited for in real time. */
  patient?: boolean | undefined;
}

/** Defaults, by pace. */
const USUAL = {
  production: { quietSeconds: 8 * 3600, outages: [10, 60, 300], outage: 60, lost: 2, patience: 1100, count: 3600 },
  compressed: { quietSeconds: 12, outages: [1, 3, 6], outage: 3, lost: 1, patience: 3, count: 10 },
} as const;
const LOST = [1, 2, 3];
const USUAL_AXES: readonly Axis[] = [parseScan('keepIdle', '30s..600s/30s'), parseList('keepInterval', '1s,10s,75s')];
/** Above it only the frontier is measured, unless the wish says otherwise. */
const MANY_TRIALS = 30_000;
/** The longest quiet that is waited for in real time unless the wish says so. */
const LONG_SECONDS = 15 * 60;

function axesOf({ scan = [], list = [] }: SweepWish, fromFile: readonly Axis[] | undefined): Axis[] {
  const chosen: Axis[] = [
    ...scan.map(([name, values]) => parseScan(name, values)),
    ...list.map(([name, values]) => parseList(name, values)),
  ];
  const names = chosen.map(axisName);
  const own = [...(fromFile ?? []).filter((axis) => !names.includes(axisName(axis))), ...chosen];
  return own.some(({ parameter }) => parameter !== 'timeout') || fromFile !== undefined ? own : [...own, ...USUAL_AXES];
}

/** From so many times as many on, the trials that cells share make no difference. */
const CERTAINLY = 2;

/** Counting exactly takes as long as making the trials, and is done only where it decides. */
function isLarge(spec: SweepSpec): boolean {
  const most = countTrials(spec);
  if (most <= MANY_TRIALS || most > CERTAINLY * MANY_TRIALS) return most > MANY_TRIALS;
  return landscapeTrials(spec).length > MANY_TRIALS;
}

/** What is wrong with a file is said with its place; what options have added to it, without. @throws LabError */
function refuse(problem: SpecProblem | undefined, wish: SweepWish, file: SweepFile | undefined): void {
  if (problem === undefined) return;
  const own = [wish.scan, wish.list, wish.middlebox].some((given) => given !== undefined && given.length > 0);
  throw file === undefined || own ? new LabError('BAD_OPTION', problem.what, problem.todo) : file.complaint(problem);
}

/**
 * @param place where it will be measured: real time has shorter defaults
 * @returns the spec, and what its maker should know about it
 * @throws LabError BAD_FILE, BAD_OPTION
 */
export function makeSpec(
  wish: SweepWish,
  place: Pick<Place, 'name' | 'hz' | 'realTime'>,
): { spec: SweepSpec; notes: string[] } {
  const pace = wish.pace ?? (place.realTime ? 'compressed' : 'production');
  const usual = USUAL[pace];
  const file = wish.file === undefined ? undefined : readSweep(wish.file, pace);
  const axes = axesOf(wish, file?.axes);
  const timeouts = axes.find(({ parameter }) => parameter === 'timeout')?.values;
  const profiles = wish.middlebox ?? file?.middleboxes;
  if (profiles === undefined)
    throw new LabError(
      'BAD_OPTION',
      'no middlebox given',
      'add --middlebox aws-nlb, or several: --middlebox aws-nlb,haproxy',
    );
  const twice = profiles.find((name, index) => profiles.indexOf(name) !== index);
  if (twice !== undefined)
    throw new LabError('BAD_OPTION', `the middlebox ${twice} is named twice`, 'name each middlebox once');
  const demands: Demands = {
    lost: wish.surviveLost ?? file?.demands.lost ?? usual.lost,
    outageSeconds: wish.surviveOutage ?? file?.demands.outageSeconds ?? usual.outage,
    noticeSeconds: wish.noticeWithin ?? file?.demands.noticeSeconds ?? 0,
  };
  const outages = [...new Set([...usual.outages, demands.outageSeconds])]
    .filter((each) => each > 0)
    .sort((a, b) => a - b);
  const spec: SweepSpec = {
    schemaVersion: 1,
    name: file?.name ?? 'sweep',
    title: file?.title ?? `Settings behind ${profiles.join(', ')}`,
    story: file?.story ?? '',
    pace,
    boxes: profiles.flatMap((name) => sweptBoxes(name, timeouts)),
    axes: axes.filter(({ parameter }) => parameter !== 'timeout'),
    quietSeconds: wish.quiet ?? file?.quietSeconds ?? usual.quietSeconds,
    repeat: wish.repeat ?? file?.repeat ?? 3,
    seed: wish.seed ?? 1,
    lost: LOST,
    outages,
    demands,
    patienceSeconds: place.realTime ? USUAL.compressed.patience : USUAL.production.patience,
    countSeconds: usual.count,
    hz: place.hz,
    engine: place.name,
    measure: wish.measure ?? 'all',
  };
  refuse(problemOf(spec), wish, file);
  const notes: string[] = [];
  if (wish.measure === undefined && isLarge(spec)) {
    spec.measure = 'frontier';
    notes.push('a landscape this large is measured only where something changes (all of it: --measure all)');
  }
  refuse(trialsProblem(spec), wish, file);
  if (place.realTime && wish.patient !== true && spec.measure !== 'none' && spec.quietSeconds > LONG_SECONDS)
    throw new LabError(
      'BAD_OPTION',
      `in real time a quiet of ${shortDuration(spec.quietSeconds)} takes as long as it says`,
      'npm run kernel builds a kernel whose clock jumps (three minutes, once); or take --pace compressed, or --patient if you really want to wait',
    );
  return { spec, notes };
}
