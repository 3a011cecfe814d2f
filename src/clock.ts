/** The one clock of all evidence: CLOCK_REALTIME in seconds, with microseconds. Packets and kernel events use the same. */
export const now = (): number => (performance.timeOrigin + performance.now()) / 1000;
