import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LabError, messageOf } from './errors.ts';
import { packageRoot } from './root.ts';

export const DEFAULT_RUNS: string = join(packageRoot, 'runs');

/** An act with 100 connections leaves 4 MB; captures are held twice while they are merged. */
const ROOM_BYTES = 64 * 1024 * 1024;
const PARTIAL = /^\.partial-(\d+)-/;

function unwritable(folder: string, error: unknown): LabError {
  return new LabError(
    'RUNS_UNWRITABLE',
    `cannot write to ${folder}: ${messageOf(error)}`,
    'make room or mend its permissions, or choose another folder with --runs <folder>',
    error,
  );
}

/** Runs whose process was killed leave a partial folder behind; the next run takes it away. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = PARTIAL.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** The folder of one run: written beside its final place and renamed into it, so it is whole or absent. */
export class RunFolder {
  readonly partial: string;
  readonly #final: string;
  readonly #runs: string;

  private constructor(runs: string, scenario: string, startedAt: Date) {
    const start = startedAt.toISOString().replaceAll(':', '-');
    const folder = join(runs, scenario);
    mkdirSync(folder, { recursive: true });
    sweep(folder);
    this.#runs = runs;
    this.partial = join(folder, `.partial-${process.pid}-${start}`);
    let final = join(folder, start);
    for (let again = 2; existsSync(final); again++) final = join(folder, `${start}-${again}`);
    this.#final = final;
    // Only a try: it comes into being when there is something to put in it.
    mkdirSync(this.partial);
    rmSync(this.partial, { recursive: true });
  }

  /** @throws LabError RUNS_UNWRITABLE */
  static open(runs: string, scenario: string, startedAt: Date): RunFolder {
    try {
      const folder = new RunFolder(runs, scenario, startedAt);
      const { bavail, bsize } = statfsSync(join(runs, scenario));
      if (bavail * bsize < ROOM_BYTES) {
        throw new Error(`less than ${ROOM_BYTES / 1024 / 1024} MiB are free there`);
      }
      return folder;
    } catch (error) {
      throw unwritable(runs, error);
    }
  }

  /** Moves the run to its place and points runs/latest to it. @returns the final folder. @throws LabError RUNS_UNWRITABLE */
  commit(): string {
    try {
      renameSync(this.partial, this.#final);
      const pointer = join(this.#runs, `.latest-${process.pid}`);
      rmSync(pointer, { force: true });
      symlinkSync(relative(this.#runs, this.#final), pointer);
      renameSync(pointer, join(this.#runs, 'latest'));
      return this.#final;
    } catch (error) {
      this.discard();
      throw unwritable(this.#runs, error);
    }
  }

  discard(): void {
    rmSync(this.partial, { recursive: true, force: true });
  }
}
