// What is swept: everything resolved, so that nothing depends on files or options any more. It is kept with the results, and
// says which of two sweeps are the same.
import { LabError } from '../errors.ts';
import { KERNEL_DEFAULT } from '../model/keepalive.ts';
import type { Cell, Middlebox, Side } from '../model/predict.ts';
import { MIDDLEBOXES } from '../scenario/catalogue.ts';
import { parseDuration, shortDuration } from '../scenario/duration.ts';
import type { Pace } from '../scenario/pace.ts';
import { readYaml } from '../scenario/read.ts';
import { type MiddleboxFile, middleboxSchema } from '../scenario/schema.ts';
import { suggestion } from '../scenario/suggest.ts';
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
  engine: 'virtual' | 'netns';
  /** Which points are measured: all; those next to where something changes, with a sample of the others; or none. */
  measure: 'all' | 'frontier' | 'none';
}

const LATE: readonly string[] = ['reset-sender', 'drop', 'rebalance', 'closed'];

/** How a profile behaves, in the model's words. What nobody documents is what the lab plays. */
function behaviourOf(profile: MiddleboxFile, timeoutSeconds: number): Middlebox {
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
      `there is no middlebox "${name}"${near === undefined ? '' : `; ${near}`}`,
      `one of ${names.join(', ')}`,
    );
  }
  const profile = readYaml(MIDDLEBOXES.path(name), middleboxSchema).value;
  const { product, layer, playedBy, remedy, confidence, idleTimeout } = profile;
  const seconds = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text));
  const [min, max] = [seconds(idleTimeout.min), seconds(idleTimeout.max)];
  return (timeouts ?? [seconds(idleTimeout.default) as number]).map((timeoutSeconds) => {
    if (layer === 'L4' && (timeoutSeconds < 1 || !Number.isInteger(timeoutSeconds)))
      throw new LabError(
        'BAD_OPTION',
        `${name} with a timeout of ${shortDuration(timeoutSeconds)}`,
        'whole seconds, at least 1s, as connection tracking counts',
      );
    return {
      profile: name,
      product,
      playedBy,
      middlebox: behaviourOf(profile, timeoutSeconds),
      confidence,
      defaultSeconds: seconds(idleTimeout.default) as number,
      ...(remedy === undefined ? {} : { remedy }),
      ...(min === undefined ? {} : { minSeconds: min }),
      ...(max === undefined ? {} : { maxSeconds: max }),
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

const WHOLE_SECONDS: readonly ParameterName[] = ['keepIdle', 'keepInterval'];
/** TCP_KEEPIDLE and TCP_KEEPINTVL (MAX_TCP_KEEPIDLE), TCP_KEEPCNT (MAX_TCP_KEEPCNT); include/net/tcp.h. */
const MOST_KEEP_SECONDS = 32_767;
const MOST_PROBES = 127;

/** @throws LabError BAD_OPTION where a setting cannot be had */
function checkAxes(axes: readonly Axis[]): void {
  const bad = (what: string, todo: string) => new LabError('BAD_OPTION', what, todo);
  const names = axes.map(axisName);
  for (const axis of axes) {
    const name = axisName(axis);
    if (WHOLE_SECONDS.includes(axis.parameter)) {
      const least = axis.parameter === 'keepIdle' ? 0 : 1;
      if (axis.values.some((value) => !Number.isInteger(value) || value < least || value > MOST_KEEP_SECONDS))
        throw bad(`${name} has a value that the kernel does not take`, `whole seconds, 1s to ${MOST_KEEP_SECONDS}s`);
    }
    if (axis.parameter === 'keepProbes' && axis.values.some((value) => value < 1 || value > MOST_PROBES))
      throw bad(`${name} has a value that the kernel does not take`, `1 to ${MOST_PROBES}`);
    const needed = NEEDS[axis.parameter];
    const prefix = axis.side === 'server' ? 'server.' : '';
    if (needed !== undefined && !names.includes(prefix + needed))
      throw bad(`${name} without ${prefix}${needed} does nothing`, `add --list ${prefix}${needed} …`);
  }
}

const MOST_CELLS = 200_000;

/** All cells of a sweep. @throws LabError BAD_OPTION */
export function cellsOf({ boxes, axes, quietSeconds, hz }: SweepSpec): SweptCell[] {
  checkAxes(axes);
  const count = boxes.length * countPoints(axes);
  if (count > MOST_CELLS)
    throw new LabError('BAD_OPTION', `${count} cells are more than anybody reads`, 'take larger steps');
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
