/** Between which times something happens, seconds: both ends may be met. */
export interface Interval {
  from: number;
  to: number;
}

export const exactly = (seconds: number): Interval => ({ from: seconds, to: seconds });
export const plus = (a: Interval, b: Interval): Interval => ({ from: a.from + b.from, to: a.to + b.to });
export const times = (count: number, { from, to }: Interval): Interval => ({ from: count * from, to: count * to });
export const NEVER: Interval = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** Whether something is so, as far as the model can tell: `maybe` where the lateness of a timer decides. */
export type Certainty = 'yes' | 'maybe' | 'no';

const RANK: Record<Certainty, number> = { no: 0, maybe: 1, yes: 2 };
export const best = (...all: Certainty[]): Certainty => all.reduce((a, b) => (RANK[b] > RANK[a] ? b : a));
export const worst = (...all: Certainty[]): Certainty => all.reduce((a, b) => (RANK[b] < RANK[a] ? b : a));
