// When each trial of a group does what. Trials run at the same time; what happens to the path happens to all that it concerns
// at one moment, and each is somewhere else in its own cycle then.
import type { Interval } from '../../model/interval.ts';
import { gapBetweenProbes } from '../../model/keepalive.ts';
import { losingSide, type Side } from '../../model/predict.ts';
import { granuleSeconds } from '../../model/timer-wheel.ts';
import type { Trial } from '../../plan/trial.ts';

/** Between the first answer and what happens to the path. */
const SETTLE_SECONDS = 2;
/** Opening thousands of connections at one moment would be a test of something else. */
const SPREAD_SECONDS = 1;
/** After an outage, and before data is sent into nothing: changing the path takes a moment too. */
const AFTER_SECONDS = 1;
/** A timer's lateness has its period: offsets are spread over no more of it than this. */
const LONGEST_OFFSET_SECONDS = 60;

export interface Moments {
  /** All in seconds since the group begins. */
  openAt: number;
  /** When the path changes for it, and when it is as before. */
  changeAt?: number;
  mendAt?: number;
  /** When a request is made; of a quiet it counts from the first answer. */
  askAt?: number;
  lookAt?: number;
  untilAt?: number;
}

/** How long a side's cycle is, in which it is quiet: between probes or heartbeats; seconds. */
export function cycleSeconds({ keepalive, heartbeatSeconds }: Side, hz: number): number {
  const probes = keepalive === 'off' ? Number.POSITIVE_INFINITY : gapBetweenProbes(keepalive, hz).to;
  return Math.min(probes, heartbeatSeconds ?? Number.POSITIVE_INFINITY);
}

/** How late its timers can be: that is over what its beginning is spread. */
function latenessSeconds({ client, server }: Trial, hz: number): number {
  const idles = [client, server].flatMap(({ keepalive }) =>
    keepalive === 'off' ? [] : [granuleSeconds(keepalive.idleSeconds, hz)],
  );
  return Math.min(LONGEST_OFFSET_SECONDS, Math.max(SPREAD_SECONDS, ...idles));
}

/** Over how long a trial's beginning is spread before the path changes. */
function spreadSeconds(trial: Trial, hz: number): number {
  const lateness = latenessSeconds(trial, hz);
  if (trial.question.kind !== 'outage') return lateness;
  const cycle = Math.min(...[trial.client, trial.server].map((side) => cycleSeconds(side, hz)));
  // It may begin at any moment of the cycle.
  return Number.isFinite(cycle) ? Math.max(lateness, cycle) : lateness;
}

const changes = ({ question }: Trial): boolean => question.kind !== 'quiet' && question.kind !== 'cost';

/** When the path changes, for all trials for which it does. */
export function changeSeconds(trials: readonly Trial[], hz: number): number {
  return Math.max(0, ...trials.filter(changes).map((trial) => spreadSeconds(trial, hz))) + SETTLE_SECONDS;
}

/** So long after the first loss the packet that is not lost has come; or the middlebox has forgotten. */
function lossSeconds(trial: Trial, count: number, hz: number): number {
  const side = trial[losingSide(trial)];
  const interval = side.keepalive === 'off' ? 0 : side.keepalive.intervalSeconds;
  const each: Interval = { from: interval, to: interval + granuleSeconds(interval, hz) };
  const cycle = cycleSeconds(side, hz);
  const other = cycleSeconds(trial[side === trial.client ? 'server' : 'client'], hz);
  return Math.max(cycle + count * each.to, Number.isFinite(other) ? other : 0) + SETTLE_SECONDS;
}

/** Who has given up finds that out when it looks the next time; a request before that would save it. */
const lastLookSeconds = ({ client, server }: Trial, hz: number): number =>
  Math.max(
    0,
    ...[client, server].flatMap(({ keepalive }) =>
      keepalive === 'off' ? [] : [keepalive.intervalSeconds + granuleSeconds(keepalive.intervalSeconds, hz)],
    ),
  );

/** @param changeAt as of \`changeSeconds\` */
export function momentsOf(trial: Trial, changeAt: number, hz: number): Moments {
  const { question, offset, quietSeconds } = trial;
  const before = changeAt - SETTLE_SECONDS - offset * spreadSeconds(trial, hz);
  switch (question.kind) {
    case 'quiet':
    case 'cost':
      return { openAt: offset * latenessSeconds(trial, hz) };
    case 'lost':
      return { openAt: before, changeAt, askAt: changeAt + lossSeconds(trial, question.count, hz) };
    case 'outage': {
      const mendAt = changeAt + question.seconds;
      return { openAt: before, changeAt, mendAt, askAt: mendAt + lastLookSeconds(trial, hz) + AFTER_SECONDS };
    }
    case 'replay':
      // Sent into the outage.
      return { openAt: before, changeAt, mendAt: changeAt + question.seconds, askAt: changeAt + AFTER_SECONDS };
    case 'dead':
      return {
        openAt: before,
        changeAt,
        // What came before the path was cut has come by then.
        lookAt: changeAt + AFTER_SECONDS / 2,
        untilAt: changeAt + quietSeconds,
        ...(question.inFlight ? { askAt: changeAt + AFTER_SECONDS } : {}),
      };
  }
}
