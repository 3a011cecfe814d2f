import type { Plan } from '../scenario/plan.ts';

/** A step as it was played: its words, and when it began and ended (epoch seconds on the one clock). */
export interface StepRecord {
  kind: 'action' | 'quiet' | 'observe';
  text: string;
  host?: string;
  action?: string;
  seconds?: number;
  from: number;
  to: number;
}

/** What collectors could not keep up with. */
export interface LostEvidence {
  /** In words, by host: with any, nothing can be concluded from packets. */
  frames: string[];
  /** Whether connection tracking told of a gap in its events; its tables, looked at later, have none. */
  flowEvents: boolean;
}

export interface ActRecord {
  name: string;
  from: number;
  to: number;
  /** Time the lab took to come up and to go, outside the timeline. */
  upSeconds: number;
  downSeconds: number;
  /** Timer interrupts a second of the kernel that played it. */
  hz?: number;
  steps: StepRecord[];
  /** Addresses of hosts, so that evidence can be read without the lab. */
  addresses: Record<string, string>;
  /** Names of interfaces by host and index, as captures on "any" number them. */
  interfaces: Record<string, Record<number, string>>;
  lostEvidence: LostEvidence;
  target: { address: string; port: number };
}

/** Everything about a run that is not evidence: what was asked for, and what was played when. */
export interface RunRecord {
  schemaVersion: 1;
  engine: string;
  startedAt: string;
  wallSeconds: number;
  /** Peak resident memory of the lab's own process. */
  memoryMb: number;
  versions: Record<string, string>;
  plan: Plan;
  acts: ActRecord[];
}

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
      error: { code: import('../errors.ts').ErrorCode; message: string; todo: string };
      versions: Record<string, string>;
    };
