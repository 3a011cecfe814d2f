import { TOO_LATE_SECONDS } from '../src/talk/lateness.ts';

const TICK_SECONDS = 0.1;

/**
 * Watches whether this process gets to run in time, where time does not wait for it.
 * @param onLate told afterwards, with how long it had not run; seconds
 */
export function watchLateness(onLate: (seconds: number) => void): void {
  let last = performance.now();
  setInterval(() => {
    const time = performance.now();
    const late = (time - last) / 1000 - TICK_SECONDS;
    last = time;
    if (late > TOO_LATE_SECONDS) onLate(late);
  }, TICK_SECONDS * 1000);
}
