import type { ActRecord, Message } from '../lab/record.ts';
import type { Plan } from '../scenario/plan.ts';

export interface Staged {
  acts: ActRecord[];
  versions: Record<string, string>;
  /** Peak memory of the lab's own process. */
  memoryMb: number;
}

/** A place where hosts live. */
export interface Engine {
  readonly name: string;
  /**
   * Plays all acts of a plan and leaves the evidence in `folder`.
   * @throws LabError; after SERVICE_DIED and its like the evidence until then is in `folder`
   */
  stage(
    plan: Plan,
    folder: string,
    options: { onMessage(message: Message): void; signal: AbortSignal },
  ): Promise<Staged>;
}
