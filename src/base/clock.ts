/** Milliseconds that the two clocks of Node may lie apart by rounding. */
const APART_MS = 2;
let origin = performance.timeOrigin;

/**
 * The one clock of all evidence: CLOCK_REALTIME in seconds, with microseconds. Packets and kernel events use the same. Node's
 * fine clock counts from a moment that lies some milliseconds beside the kernel's clock, in each process differently, and does
 * not follow when that is set; this one does, to a millisecond.
 */
export function now(): number {
  const coarse = Date.now();
  const fine = origin + performance.now();
  if (Math.abs(fine - coarse) <= APART_MS) return fine / 1000;
  origin += coarse - fine;
  return coarse / 1000;
}
