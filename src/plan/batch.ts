import type { Trial } from './trial.ts';

/** One load of trials for one lab: what crosses from the person's process into the lab's. */
export interface Batch {
  kind: 'sweep';
  trials: Trial[];
  /** How long answers are waited for, and for how long the cost of an idle connection is counted; seconds. */
  patienceSeconds: number;
  countSeconds: number;
  /** Whether each trial is played in a lab of its own, of which all that is seen is kept: for few trials. */
  capture?: boolean;
}
