import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { clearPartials, finish, folderOf, partialFolder, pointLatest, unwritable } from './folder.ts';
import { packageRoot } from './root.ts';

export const DEFAULT_RUNS: string = join(packageRoot, 'runs');

/** An act with 100 connections leaves 4 MB; captures are held twice while they are merged. */
const ROOM_BYTES = 64 * 1024 * 1024;

/** The folder of one run: written beside its final place and renamed into it, so it is whole or absent. */
export class RunFolder {
  readonly partial: string;
  /** What others left unfinished here, where nobody can see whether they still write: a sentence each. */
  readonly leftovers: readonly string[];
  readonly #runs: string;
  readonly #scenarioFolder: string;
  readonly #start: string;

  private constructor(runs: string, scenario: string, startedAt: Date) {
    this.#runs = runs;
    this.#scenarioFolder = folderOf(runs, scenario);
    this.#start = startedAt.toISOString().replaceAll(':', '-');
    this.leftovers = clearPartials(this.#scenarioFolder);
    const { bavail, bsize } = statfsSync(this.#scenarioFolder);
    if (bavail * bsize < ROOM_BYTES) throw new Error(`less than ${ROOM_BYTES / 1024 / 1024} MiB are free there`);
    this.partial = partialFolder(this.#scenarioFolder, this.#start);
  }

  /** @throws LabError RUNS_UNWRITABLE, BAD_EVIDENCE where the scenario's folder is a link */
  static open(runs: string, scenario: string, startedAt: Date): RunFolder {
    try {
      return new RunFolder(runs, scenario, startedAt);
    } catch (error) {
      throw unwritable(runs, error);
    }
  }

  /** Moves the run to its place and points runs/latest to it. @returns the final folder. @throws LabError RUNS_UNWRITABLE */
  commit(): string {
    try {
      const folder = finish(this.partial, this.#scenarioFolder, this.#start);
      pointLatest(this.#runs, folder);
      return folder;
    } catch (error) {
      this.discard();
      throw unwritable(this.#runs, error);
    }
  }

  discard(): void {
    rmSync(this.partial, { recursive: true, force: true });
  }
}
