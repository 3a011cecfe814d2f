// What will happen to a connection with these settings behind that middlebox, as far as the kernel's timers tell: a pure
// function, fast enough for whole landscapes of settings. Where the lateness of a timer decides it says so.
import { best, type Certainty, exactly, type Interval, NEVER, worst } from './interval.ts';
import { costAnHour, deathOfIdle, type Keepalive, keptAlive, survivesOutage } from './keepalive.ts';
import { deathInFlight } from './retransmission.ts';
import { granuleSeconds } from './timer-wheel.ts';

/** Settings of one side of a connection, seconds. */
export interface Side {
  keepalive: Keepalive | 'off';
  /** A PING of the application, this often. */
  heartbeatSeconds?: number;
  /** How long the application waits for the answer to a PING; without it a lost PING goes unnoticed. */
  heartbeatTimeoutSeconds?: number;
  /** How long the application waits for the answer to a command. */
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
  /** The same if so many probes in a row get lost: 1, 2, 3. */
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
const OUTAGES = [10, 60, 300] as const;

/** Octets of a small command and its answer, with headers and acknowledgements: PING and PONG of Redis. */
export const HEARTBEAT_BYTES: number = 2 * (20 + 20 + 12) + 14 + 7 + (20 + 20 + 12);

/** Whether bytes of the application come often enough; its timers are exact to the millisecond. */
const beats = ({ heartbeatSeconds }: Side, timeoutSeconds: number): Certainty =>
  heartbeatSeconds !== undefined && heartbeatSeconds < timeoutSeconds ? 'yes' : 'no';

/**
 * When a side notices that its peer is gone though it has nothing to send. A heartbeat keeps data in flight: keepalive does
 * not run then, and without a time-out of its own only retransmission ends it.
 */
function noticesIdle(side: Side, hz: number): Interval {
  const { keepalive, heartbeatSeconds, heartbeatTimeoutSeconds } = side;
  // Most packets of an idle peer are answers to probes.
  const idle = deathOfIdle(keepalive, hz, { answered: true });
  if (heartbeatSeconds === undefined) return idle;
  const inFlight = heartbeatTimeoutSeconds === undefined ? noticesInFlight(side) : exactly(heartbeatTimeoutSeconds);
  const afterBeat = { from: inFlight.from, to: heartbeatSeconds + inFlight.to };
  // A keepalive that ends sooner than the next beat comes is in time.
  return idle.to < heartbeatSeconds ? sooner(idle, afterBeat) : afterBeat;
}

function noticesInFlight({ keepalive, retries, commandTimeoutSeconds }: Side): Interval {
  const userTimeoutSeconds = keepalive === 'off' ? 0 : (keepalive.userTimeoutSeconds ?? 0);
  const kernel = deathInFlight({ userTimeoutSeconds, ...(retries === undefined ? {} : { retries }) });
  return commandTimeoutSeconds === undefined ? kernel : sooner(kernel, exactly(commandTimeoutSeconds));
}

/** Whether the middlebox still knows the connection at the end of the quiet. */
function remembered({ client, server, middlebox, quietSeconds, hz }: Cell, lost: number): Certainty {
  const { layer, timeoutSeconds, ownTimers } = middlebox;
  if (quietSeconds < timeoutSeconds) return 'yes';
  const spoken = best(beats(client, timeoutSeconds), beats(server, timeoutSeconds));
  if (layer === 'L7' || spoken === 'yes') return spoken;
  const patience = { timeoutSeconds, lateSeconds: ownTimers ? granuleSeconds(timeoutSeconds, hz) : 0 };
  return best(...[client, server].map(({ keepalive }) => keptAlive(keepalive, patience, { quietSeconds, lost, hz })));
}

/** What the first request meets on a connection that is forgotten. */
function whenForgotten({ middlebox }: Cell): Met {
  const { layer, atExpiry, latePacket } = middlebox;
  // Both ends were told: the client has opened another by the morning.
  if (layer === 'L7' || atExpiry !== 'forgets') return 'reopened';
  return latePacket === 'drop' ? 'timeout' : 'reset';
}

export function predict(cell: Cell): Prediction {
  const { client, server, middlebox, quietSeconds, hz } = cell;
  const pooled = client.poolIdleSeconds !== undefined && client.poolIdleSeconds < quietSeconds;
  const known = remembered(cell, 0);
  const forgotten = whenForgotten(cell);
  const met = new Set<Met>();
  // Whoever has closed it himself opens another.
  if (pooled) met.add('reopened');
  else {
    if (known !== 'no') met.add('ok');
    if (known !== 'yes') met.add(forgotten);
  }
  // A pool that closes before the middlebox forgets says goodbye to everybody.
  const goodbye = pooled && (client.poolIdleSeconds as number) < middlebox.timeoutSeconds;
  const serverIdle = noticesIdle(server, hz);
  const silent = middlebox.layer === 'L4' && middlebox.atExpiry === 'forgets';
  const leftBehind: Certainty = goodbye || !silent || known === 'yes' ? 'no' : known === 'no' ? 'yes' : 'maybe';
  const ends = (side: Side) => ({ idle: noticesIdle(side, hz), inFlight: noticesInFlight(side) });
  return {
    survives: pooled ? 'no' : known,
    survivesLost: [remembered(cell, 1), remembered(cell, 2), remembered(cell, 3)],
    firstRequest: met,
    timeoutSeconds: met.has('timeout') ? noticesInFlight(client) : NEVER,
    deadPeer: { client: ends(client), server: ends(server) },
    outage: Object.fromEntries(
      OUTAGES.map((seconds) => [
        seconds,
        worst(...[client, server].map(({ keepalive }) => survivesOutage(keepalive, seconds, hz))),
      ]),
    ) as Prediction['outage'],
    bytesAnHour: [client, server].reduce(
      (sum, side) => {
        const { bytes } = costAnHour(side.keepalive, hz);
        const beatBytes = side.heartbeatSeconds === undefined ? 0 : (3600 / side.heartbeatSeconds) * HEARTBEAT_BYTES;
        return { from: sum.from + bytes.from + beatBytes, to: sum.to + bytes.to + beatBytes };
      },
      { from: 0, to: 0 },
    ),
    // A server that probes finds out: what it meets is reset, or nothing, until it gives up.
    zombie: leftBehind !== 'no' && serverIdle.to < quietSeconds ? 'no' : leftBehind,
  };
}
