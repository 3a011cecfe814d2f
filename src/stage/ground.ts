import type { LabConditions } from '../evidence/lab-conditions.ts';
import type { ActPlan } from '../plan/plan.ts';
import type { Lab } from './lab.ts';

/** Where labs are brought up, by whoever plays inside an engine's kernel. Disposing of it ends what watches them. */
export interface Ground extends Disposable {
  /**
   * @param folder scratch folder of the lab
   * @param options `impairable`: hosts on whose links packets may be lost, doubled and delayed (LabHost.impair)
   * @throws LabError NO_NETWORK
   */
  up(act: ActPlan, folder: string, options?: { impairable?: readonly string[] }): Promise<Lab>;
}

/** What an engine offers to whoever plays inside its kernel. */
export interface Place {
  openGround(): Ground;
  /** Whether the kernel's clock jumps over times in which every program sleeps: waiting costs nothing, waking up does. */
  clockJumps: boolean;
  /** Whether evidence is written where it is to be in the end. Else it is gathered in memory, and copied out. */
  writesOut?: boolean;
  /** What decides outcomes there, where the hosts' programs are not those of this process. */
  conditions?(programs: readonly ProgramVersion[]): Promise<LabConditions>;
}

/** A program, and the arguments that make it tell its version. */
export interface ProgramVersion {
  name: string;
  versionArgs: readonly string[];
}
