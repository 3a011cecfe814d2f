/** One thing that an engine needs of this machine, and whether it is there. */
export interface Diagnosis {
  what: string;
  ok: boolean;
  /** What was found, or what went wrong. */
  found: string;
  /** What to do, where it is not there. */
  todo?: string;
  /** Not needed for everything: without it the engine runs, and some scenarios do not. */
  optional?: true;
}

export const canRun = (diagnoses: readonly Diagnosis[]): boolean =>
  diagnoses.every(({ ok, optional }) => ok || optional === true);
