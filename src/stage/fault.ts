import type { ActPlan } from '../plan/plan.ts';
import type { Lab } from './lab.ts';
import type { TakesAway } from './record.ts';

/** Something bad that happens to a host. One file each in `faults/`; the file's name is its word in a timeline. */
export interface Fault {
  /** One line for people. */
  describe(host: string): string;
  /** What is missing afterwards for whoever speaks to the host, or through it. */
  takesAway: TakesAway;
  apply(context: { lab: Lab; act: ActPlan; host: string; killProcesses(host: string): Promise<void> }): Promise<void>;
}
