/** `production`: the lengths of life. `compressed`: seconds, for engines in real time. */
export const PACES = ['production', 'compressed'] as const;
export type Pace = (typeof PACES)[number];
