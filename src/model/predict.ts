// What will happen to a connection with these settings behind that middlebox, as far as the kernel's timers tell: a pure
// function, fast enough for whole landscapes of settings. Where the lateness of a timer decides it says so.
import { best, type Certainty, exactly, type Interval, NEVER, worst } from './interval.ts';
import {
  costAnHour,
  deathOfIdle,
  gapBetweenProbes,
  type Keepalive,
  keptAlive,
  mayDieOfLost,
  survivesOutage,
} from './keepalive.ts';
import { deathInFlight } from './retransmission.ts';
import { granuleSeconds } from './timer-wheel.ts';

/** Settings of one side of a connection, seconds. */
export interface Side {
  keepalive: Keepalive | 'off';
  /** A PING of the application, this often. */
  heartbeatSeconds?: number;
  /** How long the application waits for the answer to a PING; without it a lost PING goes unnoticed. */
  heartbeatTimeoutSeconds?: number;
  /** How long the application waits for the answer to a command; a heartbeat is none. */
  commandTimeoutSeconds?: number;
  /** A pool closes a connection that it has not used for so long. */
  poolIdleSeconds?: number;
  /** tcp_retries2 of its kernel; 15 unless said otherwise. */
  retries?: number;
}

export interface Middlebox {
  layer: 'L4' | 'L7';
  timeoutSeconds: number;
  atExpiry: 'forgets' | 'reset-both' | 'close-both';
  latePacket: 'reset-sender' | 'drop' | 'rebalance' | 'closed';
  /** Whether it forgets by timers of its kernel (IPVS), which are late, and not by comparing clock ticks. */
  ownTimers?: boolean;
}

export interface Cell {
  client: Side;
  server: Side;
  middlebox: Middlebox;
  /** How long the application is quiet, seconds. */
  quietSeconds: number;
  /** Timer interrupts a second of both ends' kernels. */
  hz: number;
}

/**
 * What the first request after the quiet meets: `ok` on the same connection; `reopened`: answered, on a connection that was
 * opened anew, for the client knew in time that the old one was gone; `reset`, `timeout`.
 */
export type Met = 'ok' | 'reopened' | 'reset' | 'timeout';

export interface Prediction {
  /** Whether the connection outlives the quiet. */
  survives: Certainty;
  /** The same if so many probes in a row get lost, once: 1, 2, 3. */
  survivesLost: readonly [Certainty, Certainty, Certainty];
  /** What the first request may meet. */
  firstRequest: ReadonlySet<Met>;
  /** How long it takes until the application knows, where it meets a time-out. */
  timeoutSeconds: Interval;
  /** When a dead peer is noticed, seconds after the last packet from it: idle, and with data in flight. */
  deadPeer: Record<'client' | 'server', { idle: Interval; inFlight: Interval }>;
  /** Whether a good connection outlives an outage that ends: of 10 s, a minute, five minutes. */
  outage: Record<10 | 60 | 300, Certainty>;
  /** Octets on the wire an hour, for keepalive and heartbeat of both sides, while idle. */
  bytesAnHour: Interval;
  /** Whether the server is left with a socket to which nobody belongs, once the client has noticed. */
  zombie: Certainty;
}

const sooner = (a: Interval, b: Interval): Interval => ({ from: Math.min(a.from, b.from), to: Math.min(a.to, b.to) });
export const OUTAGES = [10, 60, 300] as const;

/** Octets of a small command and its answer, with headers and acknowledgements: PING and PONG of Redis. */
export const HEARTBEAT_BYTES: number = 2 * (20 + 20 + 12) + 14 + 7 + (20 + 20 + 12);

/** A heartbeat's timer and the middlebox's are of different clocks: where they are this near, either may be first. */
const BEAT_LATE_SECONDS = 0.25;

/** Whether bytes of the application come often enough. */
function beats({ heartbeatSeconds }: Side, timeoutSeconds: number): Certainty {
  if (heartbeatSeconds === undefined || heartbeatSeconds >= timeoutSeconds + BEAT_LATE_SECONDS) return 'no';
  return heartbeatSeconds < timeoutSeconds - BEAT_LATE_SECONDS ? 'yes' : 'maybe';
}

/**
 * When a side notices that its peer is gone though it has nothing to send. A heartbeat keeps data in flight: keepalive does
 * not run then, and without a time-out of its own only retransmission ends it.
 */
function noticesIdle(side: Side, hz: number): Interval {
  const { keepalive, heartbeatSeconds, heartbeatTimeoutSeconds } = side;
  // Most packets of an idle peer are answers to probes.
  const idle = deathOfIdle(keepalive, hz, { answered: true });
  if (heartbeatSeconds === undefined) return idle;
  const kernel = kernelNoticesInFlight(side);
  const inFlight = heartbeatTimeoutSeconds === undefined ? kernel : sooner(kernel, exactly(heartbeatTimeoutSeconds));
  // The next beat may come at any moment until then, and from there on keepalive does not run.
  if (idle.from >= heartbeatSeconds) return { from: inFlight.from, to: heartbeatSeconds + inFlight.to };
  return { from: Math.min(idle.from, inFlight.from), to: Math.min(idle.to, heartbeatSeconds) + inFlight.to };
}

/** When the kernel gives up what is in flight. */
function kernelNoticesInFlight({ keepalive, retries }: Side): Interval {
  const userTimeoutSeconds = keepalive === 'off' ? 0 : (keepalive.userTimeoutSeconds ?? 0);
  return deathInFlight({ userTimeoutSeconds, ...(retries === undefined ? {} : { retries }) });
}

/** The same for the application, which waits for the answer to its command, or to the next heartbeat. */
function noticesInFlight(side: Side): Interval {
  const { commandTimeoutSeconds, heartbeatSeconds, heartbeatTimeoutSeconds } = side;
  const beat =
    heartbeatSeconds === undefined || heartbeatTimeoutSeconds === undefined
      ? NEVER
      : { from: heartbeatTimeoutSeconds, to: heartbeatSeconds + heartbeatTimeoutSeconds };
  const command = commandTimeoutSeconds === undefined ? NEVER : exactly(commandTimeoutSeconds);
  return sooner(sooner(kernelNoticesInFlight(side), command), beat);
}

/** A packet of data that gets lost is sent again, each time after twice as long; so late it comes at most (RTO backoff). */
const sentAgainSeconds = (lost: number): number => 0.2 * 2 ** (lost + 1);

/** Which side's packets are lost where some are: who keeps the connection alive, the client first. */
export function losingSide({ client, server }: Pick<Cell, 'client' | 'server'>): 'client' | 'server' {
  const keeps = ({ keepalive, heartbeatSeconds }: Side) => keepalive !== 'off' || heartbeatSeconds !== undefined;
  return keeps(client) || !keeps(server) ? 'client' : 'server';
}

/** Whether several, none of which suffices alone, may keep it alive together: each comes too late in another's silence. */
function together({ client, server, middlebox }: Cell): boolean {
  const firsts = [client, server].flatMap(({ keepalive, heartbeatSeconds }) => [
    ...(keepalive === 'off' ? [] : [keepalive.idleSeconds]),
    ...(heartbeatSeconds === undefined ? [] : [heartbeatSeconds]),
  ]);
  return firsts.length > 1 && Math.min(...firsts) < middlebox.timeoutSeconds;
}

/**
 * Whether the middlebox still knows the connection at the end of the quiet.
 * @param lost how many packets in a row of the losing side get lost before they reach it
 */
function remembered(cell: Cell, lost: number): Certainty {
  const { client, server, middlebox, quietSeconds, hz } = cell;
  const { layer, timeoutSeconds, ownTimers } = middlebox;
  if (quietSeconds < timeoutSeconds) return 'yes';
  const spoken = best(beats(client, timeoutSeconds), beats(server, timeoutSeconds));
  const patience = { timeoutSeconds, lateSeconds: ownTimers ? granuleSeconds(timeoutSeconds, hz) : 0 };
  const kept = (side: Side, count: number) => keptAlive(side.keepalive, patience, { quietSeconds, lost: count, hz });
  const calm = () => {
    const alone = best(kept(client, 0), kept(server, 0));
    return alone === 'no' && together(cell) ? 'maybe' : alone;
  };
  // A heartbeat that may come too late takes nothing from a keepalive that comes in time.
  if (layer === 'L4' && spoken === 'maybe' && lost === 0) return best(spoken, calm());
  if (layer === 'L7' || spoken !== 'no') {
    const loser = cell[losingSide(cell)];
    const hurried =
      (loser.heartbeatSeconds ?? 0) + sentAgainSeconds(lost) >= timeoutSeconds ||
      (loser.heartbeatTimeoutSeconds ?? Number.POSITIVE_INFINITY) < sentAgainSeconds(lost) ||
      [client, server].some(({ keepalive }) => mayDieOfLost(keepalive, lost, hz));
    return spoken === 'yes' && lost > 0 && hurried ? 'maybe' : spoken;
  }
  if (lost === 0) return calm();
  if (client.keepalive === 'off' || server.keepalive === 'off') {
    const lossy = best(kept(client, lost), kept(server, lost));
    return lossy === 'no' && together(cell) ? 'maybe' : lossy;
  }
  // What the other side is answered may get lost too.
  const both = worst(kept(client, lost), kept(server, lost));
  return both === 'yes' || calm() === 'no' ? both : 'maybe';
}

/**
 * When a side learns that the middlebox has forgotten it, seconds after the last packet that came through: its first late
 * packet is answered with a RST, or it gets no answer any more.
 */
function learns(side: Side, { latePacket }: Middlebox, hz: number): Interval {
  const { keepalive, heartbeatSeconds } = side;
  if (latePacket === 'drop') {
    const death = noticesIdle(side, hz);
    return { from: Math.min(death.from, deathOfIdle(keepalive, hz).from), to: death.to + goodCycle(side, hz) };
  }
  const beat = heartbeatSeconds ?? Number.POSITIVE_INFINITY;
  const probe = keepalive === 'off' ? NEVER : { from: keepalive.idleSeconds, to: gapBetweenProbes(keepalive, hz).to };
  return { from: Math.min(beat, probe.from), to: Math.min(beat, probe.to) + goodCycle(side, hz) + LATE_SECONDS };
}

/** Before it there may have been a probe that was still in time. */
const goodCycle = ({ keepalive, heartbeatSeconds }: Side, hz: number): number =>
  Math.min(
    heartbeatSeconds ?? Number.POSITIVE_INFINITY,
    keepalive === 'off'
      ? Number.POSITIVE_INFINITY
      : deathOfIdle({ ...keepalive, probes: 1, userTimeoutSeconds: 0 }, hz).to,
  );
/** Until a program hears what its kernel knows, and answers have come. */
const LATE_SECONDS = 1;

/** What the first request meets on a connection that is forgotten. */
function whenForgotten({ middlebox }: Cell): Met {
  const { layer, atExpiry, latePacket } = middlebox;
  // Both ends were told: the client has opened another by the morning.
  if (layer === 'L7' || atExpiry !== 'forgets') return 'reopened';
  return latePacket === 'drop' ? 'timeout' : 'reset';
}

/** Whether a side outlives a time in which no packet gets through, at any moment of its idle time. */
function outlives(side: Side, other: Side, seconds: number, hz: number): Certainty {
  const { keepalive, heartbeatSeconds, heartbeatTimeoutSeconds } = side;
  const probing = survivesOutage(keepalive, seconds, hz);
  // An answer to the other's heartbeat may be in flight as it begins.
  const answering: Certainty =
    other.heartbeatSeconds !== undefined && kernelNoticesInFlight(side).from <= back(seconds) ? 'maybe' : 'yes';
  // Data from the other side, as soon as it comes through, is an answer too.
  const saved = probing === 'no' && other.heartbeatSeconds !== undefined ? 'maybe' : probing;
  if (heartbeatSeconds === undefined) return worst(saved, answering);
  const kernel = kernelNoticesInFlight(side);
  const gone = heartbeatTimeoutSeconds === undefined ? kernel : sooner(kernel, exactly(heartbeatTimeoutSeconds));
  const beating: Certainty =
    back(seconds) < gone.from ? 'yes' : seconds >= heartbeatSeconds + gone.to + LATE_SECONDS ? 'no' : 'maybe';
  // Keepalive does not run while a heartbeat is in flight: it has less of the time for itself.
  return worst(beating, answering, probing === 'no' ? 'maybe' : probing);
}

/** At the latest so long after it was first sent is data sent again after an outage (RTO backoff). */
const back = (outageSeconds: number): number => Math.min(2 * outageSeconds + LATE_SECONDS, outageSeconds + 121);

/** When the client knows that a forgotten connection is over, seconds after its last packet that came through. */
function knows({ client, middlebox, quietSeconds, hz }: Cell): { early: Interval; met: Interval } {
  const met = middlebox.latePacket === 'drop' ? noticesInFlight(client) : { from: 0, to: LATE_SECONDS };
  return { early: learns(client, middlebox, hz), met: { from: quietSeconds + met.from, to: quietSeconds + met.to } };
}

/** What the first request may meet, where the middlebox may have forgotten. */
function meets(cell: Cell, known: Certainty): Set<Met> {
  const met = new Set<Met>();
  if (known !== 'no') met.add('ok');
  if (known === 'yes') return met;
  const forgotten = whenForgotten(cell);
  if (forgotten === 'reopened') return met.add('reopened');
  const { early } = knows(cell);
  // Who was told by a probe or a heartbeat of his own has opened another by the morning.
  if (early.from < cell.quietSeconds) met.add('reopened');
  if (known === 'maybe' || early.to + LATE_SECONDS >= cell.quietSeconds) met.add(forgotten);
  return met;
}

/** Whether the server has a socket left to which nobody belongs, when the client has noticed. */
function leavesZombie(cell: Cell, known: Certainty, met: ReadonlySet<Met>): Certainty {
  const { client, server, middlebox, quietSeconds, hz } = cell;
  const { poolIdleSeconds } = client;
  const pooled = poolIdleSeconds !== undefined && poolIdleSeconds < quietSeconds;
  if (middlebox.layer === 'L7' || middlebox.atExpiry !== 'forgets') return 'no';
  const forgotten = pooled ? remembered({ ...cell, quietSeconds: poolIdleSeconds }, 0) : known;
  if (forgotten === 'yes') return 'no';
  const { early, met: late } = knows(cell);
  const when = pooled
    ? sooner(early, exactly(poolIdleSeconds))
    : {
        from: met.has('reopened') ? early.from : late.from,
        to: met.has('reset') || met.has('timeout') ? late.to : Math.min(early.to, late.to),
      };
  const noticed = learns(server, middlebox, hz);
  if (noticed.to < when.from) return 'no';
  return forgotten === 'no' && noticed.from > when.to + 2 * LATE_SECONDS ? 'yes' : 'maybe';
}

/** Whether a connection outlives a time in which no packet gets through, with a middlebox that remembers it meanwhile. */
export const outlivesOutage = ({ client, server, hz }: Cell, seconds: number): Certainty =>
  worst(outlives(client, server, seconds, hz), outlives(server, client, seconds, hz));

export function predict(cell: Cell): Prediction {
  const { client, server, quietSeconds, hz } = cell;
  const pooled = client.poolIdleSeconds !== undefined && client.poolIdleSeconds < quietSeconds;
  const known = remembered(cell, 0);
  // Whoever has closed it himself opens another.
  const met: ReadonlySet<Met> = pooled ? new Set(['reopened']) : meets(cell, known);
  const ends = (side: Side) => ({ idle: noticesIdle(side, hz), inFlight: noticesInFlight(side) });
  const lost = (count: number): Certainty => (pooled ? 'no' : remembered(cell, count));
  return {
    survives: pooled ? 'no' : known,
    survivesLost: [lost(1), lost(2), lost(3)],
    firstRequest: met,
    timeoutSeconds: met.has('timeout') ? noticesInFlight(client) : NEVER,
    deadPeer: { client: ends(client), server: ends(server) },
    outage: Object.fromEntries(
      OUTAGES.map((seconds) => [seconds, outlivesOutage(cell, seconds)]),
    ) as Prediction['outage'],
    bytesAnHour: bytesAnHour(cell),
    zombie: leavesZombie(cell, known, met),
  };
}

/** Keepalive does not run where data comes and goes more often. */
function bytesAnHour({ client, server, hz }: Cell): Interval {
  const beat = Math.min(
    ...[client, server].map(({ heartbeatSeconds }) => heartbeatSeconds ?? Number.POSITIVE_INFINITY),
  );
  return [client, server].reduce(
    (sum, { keepalive, heartbeatSeconds }) => {
      const { bytes } = costAnHour(keepalive, hz);
      const probes = keepalive !== 'off' && beat <= keepalive.idleSeconds ? exactly(0) : bytes;
      const from = Number.isFinite(beat) ? 0 : probes.from;
      const beatBytes = heartbeatSeconds === undefined ? 0 : (3600 / heartbeatSeconds) * HEARTBEAT_BYTES;
      return { from: sum.from + from + beatBytes, to: sum.to + probes.to + beatBytes };
    },
    { from: 0, to: 0 },
  );
}
