/** Timer interrupts a second; it decides how late long timers fire. 250 and 1000 are what servers run. */
export const HZ = [250, 1000] as const;
export type Hz = (typeof HZ)[number];
export const DEFAULT_HZ: Hz = 250;
