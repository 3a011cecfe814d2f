// A socket that has sent data and gets no acknowledgement (tcp_retransmit_timer, net/ipv4/tcp_timer.c). Keepalive does not run
// meanwhile: what is in flight decides.
import type { Interval } from './interval.ts';

const RTO_MIN_SECONDS = 0.2;
const RTO_MAX_SECONDS = 120;
/** By so much the kernel's estimate of the round trip adds to the shortest time-out on a quiet path. */
const RTO_FIRST: Interval = { from: RTO_MIN_SECONDS, to: 0.3 };
/** The tail-loss probe comes before the first time-out (tcp_schedule_loss_probe). */
const TAIL_LOSS_PROBE_SECONDS = RTO_MIN_SECONDS;
/** These timers are late too, by a step of the wheel: at most this part of their length, at either HZ. */
const LATENESS = 1 / 8;
const STEPS = 20;

/** Seconds that tcp_retries2 stands for: a budget of time, not a count (tcp_model_timeout). */
export function budgetSeconds(retries: number): number {
  const threshold = Math.floor(Math.log2(RTO_MAX_SECONDS / RTO_MIN_SECONDS));
  if (retries <= threshold) return (2 ** (retries + 1) - 1) * RTO_MIN_SECONDS;
  return (2 ** (threshold + 1) - 1) * RTO_MIN_SECONDS + (retries - threshold) * RTO_MAX_SECONDS;
}

/** Seconds from the first retransmission to the time-out at which a budget is found to be spent. */
function spentAfter(budget: number, firstRto: number, lateness: number): number {
  let elapsed = 0;
  for (let rto = firstRto * 2; elapsed < budget; rto = Math.min(rto * 2, RTO_MAX_SECONDS))
    elapsed += rto * (1 + lateness);
  return elapsed;
}

const known = new Map<number, Interval>();

/**
 * Which time-out finds the budget spent depends on the first one's length and on all lateness by leaps, so everything that a
 * quiet path can have is tried.
 */
function deathByBudget(retries: number): Interval {
  const before = known.get(retries);
  if (before) return before;
  const budget = budgetSeconds(retries);
  const deaths: number[] = [];
  for (let late = 0; late <= STEPS; late++)
    for (let rto = RTO_FIRST.from; rto <= RTO_FIRST.to; rto += 0.001)
      deaths.push(rto + spentAfter(budget, rto, (LATENESS * late) / STEPS));
  const death = { from: Math.min(...deaths), to: Math.max(...deaths) + TAIL_LOSS_PROBE_SECONDS };
  known.set(retries, death);
  return death;
}

/**
 * When a socket with unacknowledged data is given up, seconds after that data was first sent.
 * @param options `retries`: tcp_retries2; `userTimeoutSeconds`: TCP_USER_TIMEOUT, which takes the budget's place
 */
export function deathInFlight({ retries = 15, userTimeoutSeconds = 0 } = {}): Interval {
  if (userTimeoutSeconds === 0) return deathByBudget(retries);
  // Counted from the first retransmission; the next time-out is cut to what is left of it.
  return {
    from: userTimeoutSeconds,
    to: userTimeoutSeconds * (1 + LATENESS) + TAIL_LOSS_PROBE_SECONDS + 2 * RTO_FIRST.to,
  };
}
