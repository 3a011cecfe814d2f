import type { LabError } from '../base/errors.ts';
import type { Job } from '../plan/job.ts';
import type { KnownPlace } from '../plan/known.ts';
import type { ActRecord, Message } from '../stage/record.ts';

export const ENGINE_NAMES = ['netns', 'virtual', 'docker'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

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

export interface RunOptions {
  onMessage(message: Message): void;
  /** Ends it, whatever it is doing. */
  signal: AbortSignal;
}

/** A place where hosts live. What it cannot play it says when a scenario is planned (`refuses`). */
export interface Engine extends KnownPlace {
  readonly name: EngineName;
  /** Whether it plays the acts of a plan at the same time, each on its own clock. */
  readonly sideBySide: boolean;
  /** Whether waits last as long as they say. */
  readonly realTime: boolean;
  /**
   * Plays a job to its end, a plan's acts or a sweep's trials, and leaves the evidence in `folder`.
   * @throws LabError when nothing could be played: NO_NAMESPACES, NO_CONNTRACK, MISSING_TOOL, ENGINE_DIED …
   */
  run(job: Job, folder: string, options: RunOptions): Promise<Staged>;
}
