import type { Result } from './result.ts';

/** What a result says of the time that a person waited for it. */
export type Speed = Pick<Result, 'wallSeconds' | 'speedUp' | 'overheadSeconds'>;

/** The figures that follow from a run's wall time, from its lab time, and from what its timelines ask to wait; all seconds. */
export function speedOf(wallSeconds: number, { labSeconds, waits }: { labSeconds: number; waits: number }): Speed {
  return {
    wallSeconds,
    speedUp: wallSeconds > 0 ? Number((labSeconds / wallSeconds).toPrecision(3)) : 0,
    overheadSeconds: wallSeconds < waits ? null : Math.round((wallSeconds - waits) * 1e3) / 1e3,
  };
}

/** The same result after another time. */
export const afterWaiting = (result: Result, wallSeconds: number): Result => ({
  ...result,
  ...speedOf(wallSeconds, {
    labSeconds: result.labSeconds,
    waits: result.acts.reduce((sum, act) => sum + act.waitSeconds, 0),
  }),
});
