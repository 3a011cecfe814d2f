import type { LabError } from '../base/errors.ts';
import type { KnownPlace } from '../plan/known.ts';
import type { Plan } from '../plan/plan.ts';
import type { ActRecord, Message } from '../stage/record.ts';

/**
 * What an engine has played. Disposing of it ends what it still holds: until then the engine watches over the folder, and
 * removes it should the person's process be killed before the run is in its place.
 */
export interface Staged extends AsyncDisposable {
  acts: ActRecord[];
  versions: Record<string, string>;
  /** Peak memory of the lab's own process, MB. */
  memoryMb: number;
  /** How long it had to wait, seconds, until other runs of the same command left it a place for its first act. */
  waitedSeconds: number;
  /** Why the timeline was not played to its end (a service died, a step failed); there is evidence until then. */
  problem: LabError | undefined;
}

/** A place where hosts live. What it cannot play it says when a scenario is planned (`refuses`). */
export interface Engine extends KnownPlace {
  /** Whether it plays the acts of a plan at the same time, each on its own clock. */
  readonly sideBySide: boolean;
  /**
   * Plays all acts of a plan and leaves the evidence in `folder`.
   * @throws LabError when nothing could be played: NO_NAMESPACES, NO_CONNTRACK, MISSING_TOOL, ENGINE_DIED …
   */
  stage(
    plan: Plan,
    folder: string,
    options: { onMessage(message: Message): void; signal: AbortSignal },
  ): Promise<Staged>;
}
