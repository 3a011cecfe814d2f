/** One line of the bench: what was measured, beside its limit. */
export interface Figure {
  what: string;
  value: number;
  limit: number;
  unit: string;
  note?: string;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
