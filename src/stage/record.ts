import type { ErrorCode } from '../base/errors.ts';
import type { LabConditions } from '../evidence/lab-conditions.ts';
import type { ActRecord } from '../evidence/record.ts';
import type { Outcome } from '../plan/trial.ts';

export type { ActRecord, LookRecord, LostEvidence, RunRecord, StepRecord } from '../evidence/record.ts';

/** Lines that the lab's process writes for the person's. */
export type Message =
  | { type: 'preparing'; text: string }
  | { type: 'act'; act: string; title: string }
  | { type: 'step'; act: string; text: string; waitSeconds?: number }
  | { type: 'played'; act: ActRecord }
  | { type: 'clock'; act: string; time: number }
  /** Of a sweep: what decides its outcomes, before the first of them. */
  | { type: 'conditions'; conditions: LabConditions }
  | { type: 'outcome'; outcome: Outcome; group: number }
  | { type: 'done'; versions: Record<string, string>; memoryMb: number }
  | {
      type: 'error';
      error: { code: ErrorCode; message: string; todo: string };
      versions: Record<string, string>;
    };
