// The kernel's timer wheel (kernel/time/timer.c): the longer a timer, the coarser its level. A timer fires at the first
// step of its level after its time, never before it, so it is late by anything up to one step.

const LEVEL_SIZE = 64;
const LEVEL_SHIFT = 3;

/**
 * How late a kernel timer may fire, seconds.
 * @param hz timer interrupts a second
 */
export function granuleSeconds(delaySeconds: number, hz: number): number {
  const delay = delaySeconds * hz;
  const levels = hz > 100 ? 9 : 8;
  let level = 0;
  // A level takes what the one before it cannot reach (LVL_START).
  while (level < levels - 1 && delay >= (LEVEL_SIZE - 1) << (level * LEVEL_SHIFT)) level++;
  return 2 ** (level * LEVEL_SHIFT) / hz;
}

/** The longest TCP_KEEPIDLE, in whole seconds, whose probe comes before a middlebox forgets however late its timer fires. */
export function largestSafeIdle(timeoutSeconds: number, hz: number): number | undefined {
  for (let idle = Math.ceil(timeoutSeconds) - 1; idle >= 1; idle--)
    if (idle + granuleSeconds(idle, hz) < timeoutSeconds) return idle;
  return undefined;
}
