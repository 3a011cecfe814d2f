import { parseDuration, shortDuration } from '../base/duration.ts';
import { LabError } from '../base/errors.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import {
  COUNT_LIMITS,
  type CountLimit,
  DURATION_LIMITS,
  type DurationLimit,
  durationLimitText,
  isWithin,
  limitedCount,
  SWEEP_LIMITS,
} from '../plan/limits.ts';

/** A setting that a sweep may vary: what its values are, and how they are written. */
interface Parameter {
  /** `count`: whole numbers; `duration`: seconds, written as in 350s. */
  kind: 'duration' | 'count';
  limit: DurationLimit | CountLimit;
  about: string;
  /** Whether it can be left out, written "off" and kept as 0. */
  off?: true;
}

/** The names that --scan and --list know. `server.` before one makes it the server's; else it is the client's. */
export const PARAMETERS = {
  keepIdle: {
    kind: 'duration',
    limit: DURATION_LIMITS.keepIdle,
    off: true,
    about: 'TCP_KEEPIDLE: the first probe comes after so much silence',
  },
  keepInterval: {
    kind: 'duration',
    limit: DURATION_LIMITS.keepInterval,
    about: 'TCP_KEEPINTVL: between probes without answer',
  },
  keepProbes: {
    kind: 'count',
    limit: COUNT_LIMITS.keepProbes,
    about: 'TCP_KEEPCNT: so many without answer end the connection',
  },
  userTimeout: {
    kind: 'duration',
    limit: DURATION_LIMITS.userTimeout,
    off: true,
    about: 'TCP_USER_TIMEOUT: in its presence the probe count means nothing',
  },
  heartbeat: {
    kind: 'duration',
    limit: DURATION_LIMITS.heartbeat,
    off: true,
    about: 'a PING of the application, this often',
  },
  heartbeatTimeout: {
    kind: 'duration',
    limit: DURATION_LIMITS.commandTimeout,
    off: true,
    about: 'how long the application waits for its answer',
  },
  commandTimeout: {
    kind: 'duration',
    limit: DURATION_LIMITS.commandTimeout,
    off: true,
    about: 'how long the application waits for the answer to a command',
  },
  poolIdle: {
    kind: 'duration',
    limit: DURATION_LIMITS.poolIdle,
    off: true,
    about: 'a pool closes a connection that was not used for so long',
  },
  timeout: {
    kind: 'duration',
    limit: DURATION_LIMITS.proxyIdleTimeout,
    about: 'the idle timeout of the middlebox itself',
  },
} as const satisfies Record<string, Parameter>;
export type ParameterName = keyof typeof PARAMETERS;

const SERVER = 'server.';
/** What a server has none of, in a sweep. */
const CLIENT_ONLY: ReadonlySet<string> = new Set(['timeout', 'poolIdle', 'commandTimeout']);

/** One axis of the landscape. */
export interface Axis {
  side: 'client' | 'server';
  parameter: ParameterName;
  /** Seconds, or counts. */
  values: readonly number[];
}

/** Values of every axis, by "keepIdle" or "server.keepIdle". */
export type Point = Readonly<Record<string, number>>;

export const axisName = ({ side, parameter }: Axis): string => (side === 'server' ? SERVER : '') + parameter;

function bad(what: string, todo: string): LabError {
  return new LabError('BAD_OPTION', what, todo);
}

function parameterOf(setting: string): Pick<Axis, 'side' | 'parameter'> {
  const side = setting.startsWith(SERVER) ? 'server' : 'client';
  const name = side === 'server' ? setting.slice(SERVER.length) : setting;
  if (Object.hasOwn(PARAMETERS, name) && !(side === 'server' && CLIENT_ONLY.has(name)))
    return { side, parameter: name as ParameterName };
  const names = Object.keys(PARAMETERS);
  const near = suggestion(name, names);
  throw bad(
    `there is no setting ${quoted(setting)}${near === undefined ? '' : `; ${near}`}`,
    `one of ${names.join(', ')}; with server. before it for the server's`,
  );
}

/** Reads a value, whatever the kernel would say to it. */
function parameterNumber(parameter: ParameterName, text: string): number {
  const { kind, off }: Parameter = PARAMETERS[parameter];
  if (off && text === 'off') return 0;
  if (kind === 'count') {
    if (/^\d+$/.test(text)) return Number(text);
    throw bad(`${parameter} ${quoted(text)} is not a count`, 'a whole number, as in 9');
  }
  const seconds = parseDuration(text);
  if (seconds === undefined)
    throw bad(`${parameter} ${quoted(text)} is not a duration`, `as in 350s, 10min or 8h${off ? '; or off' : ''}`);
  return seconds;
}

/** @returns what was expected instead; undefined where the kernel, a timer or a proxy would take it */
function expectedOf(parameter: ParameterName, value: number): string | undefined {
  const { kind, limit, off }: Parameter = PARAMETERS[parameter];
  if (off && value === 0) return undefined;
  const allowed =
    kind === 'count'
      ? limitedCount(value, limit)
      : isWithin(value, limit as DurationLimit) || { expected: durationLimitText(limit as DurationLimit) };
  return typeof allowed === 'object' ? `${allowed.expected}${off ? '; or off' : ''}` : undefined;
}

/** Whether a setting can have that value; 0 is off, where it can be off. */
export const isValueOf = (parameter: ParameterName, value: number): boolean =>
  expectedOf(parameter, value) === undefined;

/** @throws LabError BAD_OPTION */
function checkValue(parameter: ParameterName, value: number): void {
  const expected = expectedOf(parameter, value);
  if (expected === undefined) return;
  const inMilliseconds = PARAMETERS[parameter].kind === 'duration' && value < 1;
  throw bad(
    `${parameter} cannot be ${inMilliseconds ? `${exact(value * 1000)}ms` : valueText(parameter, value)}`,
    expected,
  );
}

function parameterValue(parameter: ParameterName, text: string): number {
  const value = parameterNumber(parameter, text);
  checkValue(parameter, value);
  return value;
}

/** Sums of steps have errors far below what any timer could tell. */
const exact = (value: number): number => Math.round(value * 1e6) / 1e6;

/** `--scan keepIdle 30s..600s/30s`: from, to (which belongs to it) and step. @throws LabError BAD_OPTION */
export function parseScan(name: string, text: string): Axis {
  const { side, parameter } = parameterOf(name);
  const [, from, to, step] = /^(.+?)\.\.(.+?)\/(.+)$/.exec(text) ?? [];
  if (from === undefined || to === undefined || step === undefined)
    throw bad(`--scan ${name} ${quoted(text)} is not a range`, 'write from..to/step, as in 30s..600s/30s');
  const [first, last, width] = [from, to, step].map((each) => parameterNumber(parameter, each)) as [
    number,
    number,
    number,
  ];
  if (width <= 0 || last < first)
    throw bad(`--scan ${name} ${quoted(text)} has no values`, 'from at most to, and a step above 0');
  const count = Math.floor((last - first) / width + 1e-9) + 1;
  if (!(count <= SWEEP_LIMITS.values))
    throw bad(
      `--scan ${name} ${quoted(text)} has ${count} values`,
      `at most ${SWEEP_LIMITS.values}: take a larger step`,
    );
  const values = Array.from({ length: count }, (_, index) => exact(first + index * width));
  for (const value of values) checkValue(parameter, value);
  return { side, parameter, values };
}

/** `--list keepInterval 1s,10s,75s`. @throws LabError BAD_OPTION */
export function parseList(name: string, text: string): Axis {
  const { side, parameter } = parameterOf(name);
  const values = text.split(',').map((each) => parameterValue(parameter, each.trim()));
  if (values.length > SWEEP_LIMITS.values)
    throw bad(`--list ${name} has ${values.length} values`, `at most ${SWEEP_LIMITS.values}`);
  if (new Set(values).size < values.length)
    throw bad(`--list ${name} ${quoted(text)} names a value twice`, 'each once');
  return { side, parameter, values };
}

/** How many points a landscape has. @throws LabError BAD_OPTION where two axes are the same */
export function countPoints(axes: readonly Axis[]): number {
  const names = axes.map(axisName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw bad(`${twice} is varied twice`, 'name each setting once');
  return axes.reduce((product, { values }) => product * values.length, 1);
}

/** Every point of a landscape; the last axis varies fastest. Computed as it is asked for, for it may be large. */
export function* points(axes: readonly Axis[]): Generator<Point> {
  const [first, ...rest] = axes;
  if (!first) {
    yield {};
    return;
  }
  const name = axisName(first);
  for (const value of first.values) for (const others of points(rest)) yield { [name]: value, ...others };
}

/** A point for people and for file names: "keepIdle=30s keepProbes=9". */
export function pointText(point: Point): string {
  return Object.entries(point)
    .map(([name, value]) => {
      const parameter = name.replace(SERVER, '') as ParameterName;
      return `${name}=${valueText(parameter, value)}`;
    })
    .join(' ');
}

/** What does nothing without another setting. */
export const NEEDS: Readonly<Partial<Record<ParameterName, ParameterName>>> = {
  keepInterval: 'keepIdle',
  keepProbes: 'keepIdle',
  userTimeout: 'keepIdle',
  heartbeatTimeout: 'heartbeat',
};

/** What has to be set at a point: what is off needs nothing, nor what does nothing then. */
export function settingsText(point: Point): string {
  const on = ([name, value]: [string, number]): boolean => {
    const prefix = name.startsWith(SERVER) ? SERVER : '';
    const needed = NEEDS[name.slice(prefix.length) as ParameterName];
    return value !== 0 && (needed === undefined || (point[prefix + needed] ?? 1) !== 0);
  };
  return pointText(Object.fromEntries(Object.entries(point).filter(on)));
}

/** A value as people write it: "350s", "9", "off"; of a parameter that another version had, the figure. */
export function valueText(parameter: ParameterName, value: number): string {
  if (!Object.hasOwn(PARAMETERS, parameter)) return String(value);
  const { kind, off }: Parameter = PARAMETERS[parameter];
  if (off && value === 0) return 'off';
  return kind === 'duration' ? shortDuration(value) : String(value);
}
