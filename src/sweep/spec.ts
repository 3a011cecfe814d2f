// What is swept: everything resolved, so that nothing depends on files or options any more. It is kept with the results, and
// says which of two sweeps are the same.

import { shortDuration } from '../base/duration.ts';
import { LabError } from '../base/errors.ts';
import type { Pace } from '../base/pace.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import type { EngineName } from '../engines/engine.ts';
import { KERNEL_DEFAULT } from '../model/keepalive.ts';
import type { Cell, Middlebox, Side } from '../model/predict.ts';
import { MIDDLEBOXES } from '../plan/catalogue.ts';
import { durationLimitText, isWithin, SWEEP_LIMITS } from '../plan/limits.ts';
import { idleTimeoutLimit, readProfile } from '../plan/profile.ts';
import type { MiddleboxFile } from '../plan/schema.ts';
import { questionsOf } from '../plan/trial.ts';
import { type Axis, axisName, countPoints, NEEDS, type ParameterName, type Point, points, pointText } from './grid.ts';

/** A middlebox with one idle timeout. */
export interface SweptBox {
  /** File of lab/middleboxes. */
  profile: string;
  product: string;
  playedBy: MiddleboxFile['playedBy'];
  middlebox: Middlebox;
  /** The line of its own configuration that lengthens its patience; "{seconds}" stands for how long. */
  remedy?: string;
  /** How well its behaviour is known, and what it may be set to; seconds. */
  confidence: MiddleboxFile['confidence'];
  /** What it has where nobody sets it. */
  defaultSeconds: number;
  minSeconds?: number;
  maxSeconds?: number;
}

/** What a recommended tuning must outlive, besides the quiet. */
export interface Demands {
  /** So many probes lost in a row. */
  lost: number;
  /** An outage of so long; 0 for none. */
  outageSeconds: number;
  /** A dead peer is noticed by an idle client within so long; 0 for no such wish. */
  noticeSeconds: number;
}

export interface SweepSpec {
  schemaVersion: 1;
  name: string;
  title: string;
  story: string;
  pace: Pace;
  boxes: SweptBox[];
  axes: Axis[];
  quietSeconds: number;
  repeat: number;
  seed: number;
  lost: number[];
  outages: number[];
  demands: Demands;
  patienceSeconds: number;
  countSeconds: number;
  /** Timer interrupts a second of the kernel it is measured on. */
  hz: number;
  engine: EngineName;
  /** Which points are measured: all; those next to where something changes, with a sample of the others; or none. */
  measure: 'all' | 'frontier' | 'none';
}

const LATE: readonly string[] = ['reset-sender', 'drop', 'rebalance', 'closed'];

/** How a profile behaves, in the model's words. What nobody documents is what the lab plays. */
function behaviourOf(
  profile: Pick<MiddleboxFile, 'layer' | 'atExpiry' | 'latePacket' | 'playedBy'>,
  timeoutSeconds: number,
): Middlebox {
  const { layer, atExpiry, latePacket, playedBy } = profile;
  const played = 'conntrack' in playedBy ? playedBy.conntrack : undefined;
  const late = LATE.includes(latePacket)
    ? latePacket
    : played === 'reset-both' || played === undefined
      ? 'drop'
      : played;
  return {
    layer,
    timeoutSeconds,
    atExpiry: atExpiry === 'unknown' ? (layer === 'L7' ? 'close-both' : 'forgets') : atExpiry,
    latePacket: late as Middlebox['latePacket'],
    ...('ipvs' in playedBy ? { ownTimers: true } : {}),
  };
}

/** @param timeouts instead of the profile's own @throws LabError BAD_OPTION */
export function sweptBoxes(name: string, timeouts: readonly number[] | undefined): SweptBox[] {
  const names = MIDDLEBOXES.names();
  if (!names.includes(name)) {
    const near = suggestion(name, names);
    throw new LabError(
      'BAD_OPTION',
      `there is no middlebox ${quoted(name)}${near === undefined ? '' : `; ${near}`}`,
      `one of ${names.join(', ')}`,
    );
  }
  const { product, layer, playedBy, remedy, confidence, idleTimeout, ...profile } = readProfile(MIDDLEBOXES.path(name));
  const { defaultSeconds, minSeconds, maxSeconds } = idleTimeout;
  const beyond = idleTimeout.sides
    ? 'a timer for each side'
    : profile.lifeSeconds !== undefined
      ? 'a longest life'
      : layer === 'L4' && profile.refreshedBy.tcpKeepalive === 'no'
        ? 'a timer that only data restarts'
        : undefined;
  if (beyond !== undefined)
    throw new LabError(
      'BAD_OPTION',
      `${name} has ${beyond}, which sweeps cannot play`,
      'play it in a scenario; or sweep another middlebox with --timeout',
    );
  return (timeouts ?? [defaultSeconds]).map((timeoutSeconds) => {
    return {
      profile: name,
      product,
      playedBy,
      middlebox: behaviourOf({ ...profile, layer, playedBy }, timeoutSeconds),
      confidence,
      defaultSeconds,
      ...(remedy === undefined ? {} : { remedy }),
      ...(minSeconds === undefined ? {} : { minSeconds }),
      ...(maxSeconds === undefined ? {} : { maxSeconds }),
    };
  });
}

const given = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

/** The settings of a side at a point; what is not varied is as the kernel has it, and off. */
export function sideAt(point: Point, side: 'client' | 'server'): Side {
  const get = (name: ParameterName): number | undefined => given(point[side === 'server' ? `server.${name}` : name]);
  const idleSeconds = get('keepIdle');
  const [heartbeat, reply, command, pool, user] = (
    ['heartbeat', 'heartbeatTimeout', 'commandTimeout', 'poolIdle', 'userTimeout'] as const
  ).map(get);
  return {
    keepalive:
      idleSeconds === undefined
        ? 'off'
        : {
            idleSeconds,
            intervalSeconds: get('keepInterval') ?? KERNEL_DEFAULT.intervalSeconds,
            probes: get('keepProbes') ?? KERNEL_DEFAULT.probes,
            ...(user === undefined ? {} : { userTimeoutSeconds: user }),
          },
    ...(heartbeat === undefined ? {} : { heartbeatSeconds: heartbeat }),
    ...(heartbeat === undefined || reply === undefined ? {} : { heartbeatTimeoutSeconds: reply }),
    ...(command === undefined ? {} : { commandTimeoutSeconds: command }),
    ...(pool === undefined ? {} : { poolIdleSeconds: pool }),
  };
}

/** A cell of a sweep: a point of the landscape behind one of the middleboxes. */
export interface SweptCell {
  /** Says what it is, as in "aws-nlb 350s: keepIdle=100s keepInterval=10s". */
  id: string;
  box: SweptBox;
  point: Point;
  cell: Cell;
}

/** Why a spec cannot be swept, and which of its axes is to blame; undefined where none is. */
export interface SpecProblem {
  axis?: string;
  what: string;
  todo: string;
}

/** How many trials a sweep has where all of it is measured; those that cells share count once for each. */
export function countTrials(spec: SweepSpec): number {
  const { lost, outages, repeat } = spec;
  return cellsIn(spec).reduce((sum, { cell }) => sum + questionsOf(cell, { lost, outages }).length * repeat, 0);
}

/** What is wrong with a sweep, before it has cells. */
export function problemOf(spec: Pick<SweepSpec, 'boxes' | 'axes'>): SpecProblem | undefined {
  const { boxes, axes } = spec;
  for (const { profile, middlebox } of boxes) {
    const limit = idleTimeoutLimit(middlebox.layer);
    if (!isWithin(middlebox.timeoutSeconds, limit))
      return {
        axis: 'timeout',
        what: `${profile} cannot have an idle timeout of ${shortDuration(middlebox.timeoutSeconds)}`,
        todo: durationLimitText(limit),
      };
  }
  const names = axes.map(axisName);
  for (const [index, { side, parameter }] of axes.entries()) {
    const axis = names[index] as string;
    if (names.indexOf(axis) !== index) return { axis, what: `${axis} is varied twice`, todo: 'name each setting once' };
    const needed = NEEDS[parameter];
    const prefix = side === 'server' ? 'server.' : '';
    if (needed !== undefined && !names.includes(prefix + needed))
      return { axis, what: `${axis} without ${prefix}${needed} does nothing`, todo: `add --list ${prefix}${needed} …` };
  }
  const cells = boxes.length * countPoints(axes);
  return cells > SWEEP_LIMITS.cells
    ? { what: `the sweep has ${cells} cells`, todo: `at most ${SWEEP_LIMITS.cells}: take larger steps` }
    : undefined;
}

/** Whether so many trials would ever end. */
export function trialsProblem(spec: SweepSpec): SpecProblem | undefined {
  if (spec.measure !== 'all') return undefined;
  const trials = countTrials(spec);
  return trials > SWEEP_LIMITS.trials
    ? {
        what: `the sweep has ${trials} trials`,
        todo: `at most ${SWEEP_LIMITS.trials}: take larger steps, repeat less often, or add --measure frontier`,
      }
    : undefined;
}

/** All cells of a sweep. @throws LabError BAD_OPTION */
export function cellsOf(spec: SweepSpec): SweptCell[] {
  const problem = problemOf(spec);
  if (problem) throw new LabError('BAD_OPTION', problem.what, problem.todo);
  return cellsIn(spec);
}

function cellsIn({ boxes, axes, quietSeconds, hz }: SweepSpec): SweptCell[] {
  const all = [...points(axes)];
  return boxes.flatMap((box) => all.map((point) => cellAt(box, point, { quietSeconds, hz })));
}

export function cellAt(
  box: SweptBox,
  point: Point,
  { quietSeconds, hz }: Pick<SweepSpec, 'quietSeconds' | 'hz'>,
): SweptCell {
  const [client, server] = [sideAt(point, 'client'), sideAt(point, 'server')];
  return {
    id: `${box.profile} ${shortDuration(box.middlebox.timeoutSeconds)}: ${pointText(point) || 'nothing set'}`,
    box,
    point,
    cell: { client, server, middlebox: box.middlebox, quietSeconds, hz },
  };
}
