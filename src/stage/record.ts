import type { ActRecord } from '../evidence/record.ts';

export type { ActRecord, LostEvidence, RunRecord, StepRecord, TakesAway } from '../evidence/record.ts';

/** Lines that the lab's process writes for the person's. */
export type Message =
  | { type: 'preparing'; text: string }
  | { type: 'act'; act: string; title: string }
  | { type: 'step'; act: string; text: string; waitSeconds?: number }
  | { type: 'played'; act: ActRecord }
  | { type: 'clock'; act: string; time: number }
  /** Of a sweep: what decides its outcomes, before the first of them. */
  | { type: 'conditions'; conditions: import('../sweep/conditions.ts').LabConditions }
  | { type: 'outcome'; outcome: import('../sweep/trial.ts').Outcome; group: number }
  | { type: 'done'; versions: Record<string, string>; memoryMb: number }
  | {
      type: 'error';
      error: { code: import('../base/errors.ts').ErrorCode; message: string; todo: string };
      versions: Record<string, string>;
    };
