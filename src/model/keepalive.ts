// Keepalive of an idle Linux socket (tcp_keepalive_timer, net/ipv4/tcp_timer.c): a timer looks after the idle time; a look that
// finds enough silence sends a probe, and looks again after the interval. Where it finds an answer then, it waits for what is
// left of the idle time; so a peer that answers is probed every idle time or every interval, whichever is longer.
import { type Certainty, exactly, type Interval, NEVER, plus, times, worst } from './interval.ts';
import { granuleSeconds } from './timer-wheel.ts';

/** What getsockopt(2) says: TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT; seconds, and a count. */
export interface Keepalive {
  idleSeconds: number;
  intervalSeconds: number;
  probes: number;
  /** TCP_USER_TIMEOUT; undefined or 0 for none. */
  userTimeoutSeconds?: number;
}

/** As a kernel comes (tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes). */
export const KERNEL_DEFAULT: Keepalive = { idleSeconds: 7200, intervalSeconds: 75, probes: 9 };

/** As libuv, and so Node.js, sets it for an idle time (uv_tcp_keepalive: 10 probes, one second apart). */
export const libuv = (idleSeconds: number): Keepalive => ({ idleSeconds, intervalSeconds: 1, probes: 10 });

/** A timer never fires early, and late by at most a step of its level of the wheel. */
const timer = (seconds: number, hz: number): Interval => ({ from: seconds, to: seconds + granuleSeconds(seconds, hz) });

/**
 * When the k-th probe without answer is sent, seconds after the last packet from the peer.
 * @param k from 1
 */
export function probeTime({ idleSeconds, intervalSeconds }: Keepalive, k: number, hz: number): Interval {
  return plus(timer(idleSeconds, hz), times(k - 1, timer(intervalSeconds, hz)));
}

/** Between the probes to a peer that answers each. */
export const gapBetweenProbes = ({ idleSeconds, intervalSeconds }: Keepalive, hz: number): Interval =>
  timer(Math.max(idleSeconds, intervalSeconds), hz);

/**
 * How many probes a silent peer is sent before the socket is given up; with a user timeout the probe count is ignored.
 * @param answered whether the last packet may have been the answer to a probe: the first one comes later then
 */
function looksUntilDeath(keepalive: Keepalive, hz: number, answered: boolean): { fewest: number; most: number } {
  const { probes, intervalSeconds, userTimeoutSeconds = 0 } = keepalive;
  if (userTimeoutSeconds === 0) return { fewest: probes, most: probes };
  const first = probeTime(keepalive, 1, hz);
  const latest = answered ? gapBetweenProbes(keepalive, hz).to : first.to;
  const each = timer(intervalSeconds, hz);
  const needed = (start: number, step: number) => Math.max(1, Math.ceil((userTimeoutSeconds - start) / step - 1e-9));
  return { fewest: needed(latest, each.to), most: needed(first.from, each.from) };
}

/**
 * When an idle socket whose peer is silent is given up, seconds after the last data from the peer: after as many unanswered
 * probes as it was told, or, where there is a user timeout, at the first look after that with a probe out.
 * @param answered whether the last packet was the answer to a probe: the next one may come later then
 */
export function deathOfIdle(keepalive: Keepalive | 'off', hz: number, { answered = false } = {}): Interval {
  if (keepalive === 'off') return NEVER;
  const { fewest, most } = looksUntilDeath(keepalive, hz, answered);
  const userTimeout = keepalive.userTimeoutSeconds ?? 0;
  const later = answered ? gapBetweenProbes(keepalive, hz).to - timer(keepalive.idleSeconds, hz).to : 0;
  return {
    from: Math.max(userTimeout, probeTime(keepalive, fewest + 1, hz).from),
    to: probeTime(keepalive, most + 1, hz).to + later,
  };
}

/**
 * The middlebox counts from the last packet of all; a socket counts from the last that it received, whose acknowledgement may
 * come so much later (TCP_DELACK_MAX).
 */
const DELAYED_ACK_SECONDS = 0.2;

/** Until when a middlebox remembers an idle flow: its timeout, and how much later it may forget. */
export interface Patience {
  timeoutSeconds: number;
  /** Of timers of its own, where it has any (IPVS); connection tracking compares clock ticks. */
  lateSeconds?: number;
}

/**
 * Whether a flow that nothing but keepalive refreshes is remembered through a quiet time.
 * @param lost how many probes in a row get lost, once, before they reach the middlebox
 * @param quietSeconds how long nothing else is sent
 */
export function keptAlive(
  keepalive: Keepalive | 'off',
  { timeoutSeconds, lateSeconds = 0 }: Patience,
  { quietSeconds, lost = 0, hz }: { quietSeconds: number; lost?: number; hz: number },
): Certainty {
  if (quietSeconds < timeoutSeconds) return 'yes';
  const forgets: Interval = { from: timeoutSeconds, to: timeoutSeconds + lateSeconds };
  const certainly = forgets.to + DELAYED_ACK_SECONDS;
  if (keepalive === 'off') return quietSeconds >= certainly ? 'no' : 'maybe';
  // Who loses as many probes as he may send gives the connection up himself.
  const { fewest, most } = looksUntilDeath(keepalive, hz, true);
  if (lost >= most) return 'no';
  const remembered = (silence: Interval, left: number): Certainty => {
    if (silence.to < forgets.from) return 'yes';
    return Math.min(silence.from, left) >= certainly ? 'no' : 'maybe';
  };
  const first = probeTime(keepalive, 1, hz);
  const gap = gapBetweenProbes(keepalive, hz);
  const repeats = quietSeconds - first.from >= forgets.from;
  const [begin, again] = [remembered(first, quietSeconds), remembered(gap, quietSeconds - first.to)];
  // What is not lost comes again and again, if there is time for it.
  const calm = repeats ? worst(begin, again) : begin;
  if (lost === 0) return calm;
  const late = times(lost, timer(keepalive.intervalSeconds, hz));
  const lossy = [remembered(plus(first, late), quietSeconds), remembered(plus(gap, late), quietSeconds - first.to)];
  // They get lost at the beginning or later.
  const once = lossy[0] === lossy[1] || !repeats ? (lossy[0] as Certainty) : 'maybe';
  return worst(calm, once, lost >= fewest ? 'maybe' : 'yes');
}

/** Whether a side may give up for so many probes without answer, lost wherever. */
export const mayDieOfLost = (keepalive: Keepalive | 'off', lost: number, hz: number): boolean =>
  keepalive !== 'off' && lost >= looksUntilDeath(keepalive, hz, true).fewest;

/**
 * Whether an idle connection outlives a time in which no packet gets through.
 * @param outageSeconds how long; it may begin at any moment of the idle time
 */
export function survivesOutage(keepalive: Keepalive | 'off', outageSeconds: number, hz: number): Certainty {
  if (keepalive === 'off') return 'yes';
  const { fewest, most } = looksUntilDeath(keepalive, hz, true);
  const each = timer(keepalive.intervalSeconds, hz);
  // All probes but the first can fall into it at the earliest when the first is sent as it begins.
  if (outageSeconds < (fewest - 1) * each.from) return 'yes';
  const longest = plus(gapBetweenProbes(keepalive, hz), times(most - 1, each));
  return outageSeconds >= longest.to ? 'no' : 'maybe';
}

/** Octets of a probe, and of its answer: IPv4 and TCP headers with the timestamp option (RFC 7323), no data. */
export const PROBE_BYTES = 20 + 20 + 12;

/** What a connection that is idle and has a living peer costs, an hour. */
export function costAnHour(keepalive: Keepalive | 'off', hz: number): { probes: Interval; bytes: Interval } {
  if (keepalive === 'off') return { probes: exactly(0), bytes: exactly(0) };
  const { from, to } = gapBetweenProbes(keepalive, hz);
  const probes = { from: 3600 / to, to: 3600 / from };
  return { probes, bytes: times(2 * PROBE_BYTES, probes) };
}
