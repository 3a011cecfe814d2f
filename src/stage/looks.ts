// When sockets, flow tables and sessions are looked at: soon after whatever may have changed them.
import { formatDuration } from '../base/duration.ts';
import { granuleSeconds } from '../model/timer-wheel.ts';
import type { BoxTimers } from '../plan/plan.ts';

export interface Look {
  /** Seconds after the beginning of the wait. */
  after: number;
  label: string;
}

/** Moments, in seconds after a burst, at which sockets are looked at; then each twice as late as the one before. */
const LOOK_AFTER = [0.1, 0.4, 1];
/** A quiet has begun when what was said before it is over. */
const BEGINS_SECONDS = 0.2;
/** A flow table shows an expiry only when looked at: this long after it was due. */
const AFTER_EXPIRY_SECONDS = 0.5;
/** A table whose entries have kernel timers forgets late (IPVS). */
const AFTER_TIMER_SECONDS = 0.5;

/** Looks of a step in which somebody watches. */
export function looksAtBurst(seconds: number): Look[] {
  const moments = [...LOOK_AFTER];
  while ((moments.at(-1) as number) * 2 < seconds) moments.push((moments.at(-1) as number) * 2);
  return moments.map((after) => ({ after, label: `${formatDuration(after)} later` }));
}

export interface WatchedBox {
  timers: BoxTimers;
  /** Whether its table has kernel timers of its own, which tell nothing when they end. */
  ownTimers: boolean;
}

/** Looks of a quiet: at its beginning, and at the expiry of every box's timers. Those at one moment are one. */
export function looksAtQuiet(boxes: readonly WatchedBox[], hz: number): Look[] {
  const looks = new Map<number, string>([[BEGINS_SECONDS, 'quiet begins']]);
  for (const { timers, ownTimers } of boxes) {
    const { idleSeconds, sides, lifeSeconds } = timers;
    const ends = new Set([idleSeconds, ...(sides ? [sides.clientSeconds, sides.serverSeconds] : [])]);
    if (lifeSeconds !== undefined) ends.add(lifeSeconds);
    for (const end of ends) {
      looks.set(BEGINS_SECONDS + end + AFTER_EXPIRY_SECONDS, `after ${formatDuration(end)} of quiet`);
      if (ownTimers)
        looks.set(AFTER_TIMER_SECONDS + end + granuleSeconds(end, hz), 'the latest end of an entry’s timer');
    }
  }
  return [...looks].map(([after, label]) => ({ after, label }));
}
