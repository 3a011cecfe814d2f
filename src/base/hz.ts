/** Timer interrupts a second; it decides how late long timers fire. 250 and 1000 are what servers run. */
export const HZ = [250, 1000] as const;
export type Hz = (typeof HZ)[number];
/** More than any kernel is built with; kernel/Kconfig.hz has 100 to 1000. */
export const MOST_HZ = 10_000;
export const DEFAULT_HZ: Hz = 250;
