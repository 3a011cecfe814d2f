import type { Batch } from './batch.ts';
import { boxesOf, kindOf, type Plan } from './plan.ts';
import type { Trial } from './trial.ts';

/** What crosses from the person's process to where hosts live: a scenario's acts, or a sweep's trials. */
export type Job = Plan | Batch;

export const isBatch = (job: Job): job is Batch => 'trials' in job;

/** How the boxes of trials are played: files of src/stage/boxes, by name. */
export const boxKindsOfTrials = (trials: readonly Trial[]): string[] => [
  ...new Set(trials.map(({ box }) => kindOf(box))),
];

/** The same of a job. */
export const boxKindsOf = (job: Job): string[] =>
  isBatch(job) ? boxKindsOfTrials(job.trials) : [...new Set(job.acts.flatMap((act) => boxesOf(act).map(kindOf)))];
