// What is measured: one connection with these settings behind that middlebox, asked one question. A cell's answers are put
// together from trials, and cells that differ only in what does not concern a question share its trials.
import { createHash } from 'node:crypto';
import { shortDuration } from '../base/duration.ts';
import type { SocketOptions } from '../linux/libc.ts';
import type { Cell, Middlebox, Side } from '../model/predict.ts';
import type { MiddleboxFile } from './schema.ts';

export type Question =
  /** Does it outlive the quiet, what does the first request meet, and what is left behind? */
  | { kind: 'quiet' }
  /** Does it outlive the loss of so many packets in a row? */
  | { kind: 'lost'; count: number }
  /** How soon does either side notice that its peer is gone: idle, or with data in flight? */
  | { kind: 'dead'; inFlight: boolean }
  /** Does it outlive a time in which nothing gets through? The middlebox remembers meanwhile. */
  | { kind: 'outage'; seconds: number }
  /** A command whose time-out runs out in an outage, and is asked again: how often is it done? */
  | { kind: 'replay'; seconds: number }
  /** How many packets and octets does it cost while idle? */
  | { kind: 'cost' };

export function questionText(question: Question): string {
  switch (question.kind) {
    case 'lost':
      return `lost-${question.count}`;
    case 'dead':
      return question.inFlight ? 'dead-in-flight' : 'dead-idle';
    case 'outage':
      return `outage-${shortDuration(question.seconds)}`;
    case 'replay':
      return `replay-${shortDuration(question.seconds)}`;
    default:
      return question.kind;
  }
}

/** A middlebox as a sweep plays it. */
export interface Box {
  playedBy: MiddleboxFile['playedBy'];
  middlebox: Middlebox;
}

export interface Trial {
  /** Says all that matters to it, for people too; no two are alike. */
  key: string;
  question: Question;
  /** From 1. */
  repeat: number;
  /** When within the lateness of its timers, or its cycle, it begins: 0 to 1. */
  offset: number;
  client: Side;
  server: Side;
  box: Box;
  quietSeconds: number;
}

/** What came of a trial. Times in seconds. */
export interface Outcome {
  key: string;
  /** What the request met: on the same connection, on another, or how it failed; undefined where none was made. */
  met?: 'ok' | 'reopened' | 'reset' | 'timeout' | 'closed' | 'other';
  /** In the kernel's words or the program's: an error's code, "FIN", "no reply", "heartbeat"; how the connection ended. */
  how?: string;
  /** From the request until that was known; undefined where nothing was, as long as it was waited for. */
  seconds?: number;
  /** When it was over before the request: seconds after its first answer. */
  endedInQuiet?: number;
  /** Of a dead peer: seconds until either side noticed, since its last packet from there, or since data was sent. */
  noticed?: { client?: number; server?: number };
  /** For how long it was watched, where nobody noticed. */
  watchedSeconds?: number;
  /** Of an idle connection: packets of its client's socket, both ways, and their octets, in so many seconds. */
  traffic?: { seconds: number; packets: number; bytes: number };
  /** Whether the server was left with a connection to which nobody belonged when the client knew. */
  zombie?: boolean;
  /** How often the request was executed by a server, replay included, and whether the client was told. */
  executed?: number;
  told?: boolean;
  /** The client's end of the connection, "address:port", and the port that it connected to. */
  local?: string;
  port?: number;
  /** What getsockopt(2) says. */
  kernel: { client?: SocketOptions; server?: SocketOptions };
  /** Why there is no answer. */
  problem?: string;
}

/** An outcome as a sweep keeps it: with the conditions that it was measured under, by their id in sweep.json. */
export type KeptOutcome = Outcome & { conditions: string };

const duration = (name: string, seconds: number | undefined) =>
  seconds === undefined ? [] : [`${name} ${shortDuration(seconds)}`];

/** Settings of a side as people write them: "keepalive 100s/10s/9, user timeout 60s". */
export function sideText(side: Side): string {
  const { keepalive } = side;
  return [
    keepalive === 'off'
      ? 'no keepalive'
      : `keepalive ${shortDuration(keepalive.idleSeconds)}/${shortDuration(keepalive.intervalSeconds)}/${keepalive.probes}`,
    ...(keepalive === 'off' ? [] : duration('user timeout', keepalive.userTimeoutSeconds)),
    ...duration('heartbeat', side.heartbeatSeconds),
    ...duration('its reply within', side.heartbeatTimeoutSeconds),
    ...duration('command timeout', side.commandTimeoutSeconds),
    ...duration('pool idle', side.poolIdleSeconds),
    ...(side.retries === undefined ? [] : [`retries2 ${side.retries}`]),
  ].join(', ');
}

const boxText = ({ playedBy, middlebox }: Box): string => {
  const [[kind, how]] = Object.entries(playedBy) as [[string, unknown]];
  const mode = typeof how === 'string' ? ` ${how}` : '';
  return `${kind}${mode} ${shortDuration(middlebox.timeoutSeconds)}`;
};

/** A path that forgets nobody: what is asked on it is asked of the ends alone. */
const REMEMBERS_SECONDS = 7 * 24 * 3600;
export const REMEMBERING: Box = {
  playedBy: { conntrack: 'drop' },
  middlebox: { layer: 'L4', timeoutSeconds: REMEMBERS_SECONDS, atExpiry: 'forgets', latePacket: 'drop' },
};

/** A number from 0 to 1 that looks like chance and is the same for the same text. */
export function chanceOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}

const keeps = ({ keepalive, heartbeatSeconds }: Side): boolean => keepalive !== 'off' || heartbeatSeconds !== undefined;

/** What one tries out alone, for the kernel or a heartbeat to notice, says nothing about a pool or about commands. */
function sideFor(question: Question, { poolIdleSeconds, commandTimeoutSeconds, ...side }: Side): Side {
  const commands =
    question.kind === 'quiet' || question.kind === 'replay' || (question.kind === 'dead' && question.inFlight);
  return {
    ...side,
    ...(question.kind === 'quiet' && poolIdleSeconds !== undefined ? { poolIdleSeconds } : {}),
    ...(commands && commandTimeoutSeconds !== undefined ? { commandTimeoutSeconds } : {}),
  };
}

export interface Asking {
  /** Counts of lost packets in a row. */
  lost: readonly number[];
  outages: readonly number[];
}

/** The shortest outage in which a command's time-out runs out. */
function replayIn({ commandTimeoutSeconds }: Side, outages: readonly number[]): Question[] {
  const seconds = outages.find((each) => commandTimeoutSeconds !== undefined && each > commandTimeoutSeconds + 2);
  return seconds === undefined ? [] : [{ kind: 'replay', seconds }];
}

/** What is asked of a cell. Who keeps nothing alive has no packets to lose. */
export function questionsOf({ client, server, middlebox, quietSeconds }: Cell, { lost, outages }: Asking): Question[] {
  const beats = [client, server].some(
    ({ heartbeatSeconds = Number.POSITIVE_INFINITY }) => heartbeatSeconds < middlebox.timeoutSeconds,
  );
  const alive = middlebox.layer === 'L7' ? beats : keeps(client) || keeps(server);
  return [
    { kind: 'quiet' },
    ...(alive && quietSeconds >= middlebox.timeoutSeconds
      ? lost.map((count): Question => ({ kind: 'lost', count }))
      : []),
    { kind: 'dead', inFlight: false },
    { kind: 'dead', inFlight: true },
    ...outages.map((seconds): Question => ({ kind: 'outage', seconds })),
    ...replayIn(client, outages),
    { kind: 'cost' },
  ];
}

/** A trial of one question of a cell. */
export function trialOf(
  cell: Cell,
  playedBy: Box['playedBy'],
  question: Question,
  repeat: number,
  seed: number,
): Trial {
  const ofTheBox = question.kind === 'quiet' || question.kind === 'lost';
  const [client, server] = [sideFor(question, cell.client), sideFor(question, cell.server)];
  const box = ofTheBox ? { playedBy, middlebox: cell.middlebox } : REMEMBERING;
  const key = [
    questionText(question),
    `client ${sideText(client)}`,
    `server ${sideText(server)}`,
    ...(ofTheBox ? [boxText(box)] : []),
    `quiet ${shortDuration(cell.quietSeconds)}`,
    `#${repeat}`,
  ].join('; ');
  return {
    key,
    question,
    repeat,
    offset: chanceOf(`${seed} ${key}`),
    client,
    server,
    box,
    quietSeconds: cell.quietSeconds,
  };
}
