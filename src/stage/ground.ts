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
}
