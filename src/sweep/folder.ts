// A sweep's folder: what is swept, and every outcome as it came, one line each. Whatever interrupts a sweep, its folder keeps
// what it has, and the sweep can be gone on with.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LabError, messageOf } from '../base/errors.ts';
import { folderOf, heldBy, type Lock, newFolder, tryLock, unwritable } from '../base/folder.ts';
import { appendPlain, isPlainName, NAME_RULE, readPlain, realFolder, refuseLinks, writePlain } from '../base/plain.ts';
import { MOST_BYTES, readBytes } from '../evidence/document.ts';
import type { KeptOutcome } from '../plan/trial.ts';
import { parseOutcomes, parseSweepRecord, type SweepRecord } from './record.ts';
import type { SweepSpec } from './spec.ts';

const SPEC_FILE = 'sweep.json';
const TRIALS_FILE = 'trials.ndjson';
const RESULT_FILE = 'result.json';
const LOCK_FILE = '.running';

export class SweepFolder {
  readonly folder: string;
  record: SweepRecord;
  readonly outcomes: Map<string, KeptOutcome> = new Map();
  #lock: Lock | undefined;

  private constructor(folder: string, record: SweepRecord) {
    this.folder = folder;
    this.record = record;
  }

  /** @throws LabError RUNS_UNWRITABLE, BAD_EVIDENCE where its name or place is not plain */
  static create(runs: string, spec: SweepSpec, startedAt: Date, shard: string | null): SweepFolder {
    const record = { spec, startedAt: startedAt.toISOString(), conditions: {}, wallSeconds: 0, shard };
    if (!isPlainName(spec.name)) throw badName(spec.name);
    let made: SweepFolder;
    try {
      made = new SweepFolder(newFolder(folderOf(runs, spec.name), record.startedAt.replaceAll(':', '-')), record);
      // First of all: whoever looks for a sweep to go on with must not find this one free.
      made.#takeLock();
      made.save();
      writePlain(join(made.folder, TRIALS_FILE), '');
    } catch (error) {
      throw unwritable(runs, error);
    }
    return made;
  }

  /** A sweep that is there, whole or not. @throws LabError BAD_OPTION, BAD_EVIDENCE */
  static open(given: string): SweepFolder {
    let folder = given;
    let json: string;
    try {
      folder = realFolder(given);
      refuseLinks(folder);
      json = readPlain(join(folder, SPEC_FILE), MOST_BYTES.record);
    } catch (error) {
      if (error instanceof LabError) throw error;
      throw new LabError(
        'BAD_OPTION',
        `${folder} holds no sweep: ${messageOf(error)}`,
        'name the folder of one',
        error,
      );
    }
    const opened = new SweepFolder(folder, parseSweepRecord(json, join(folder, SPEC_FILE)));
    const trials = join(folder, TRIALS_FILE);
    for (const outcome of parseOutcomes(readBytes(trials, MOST_BYTES.evidence), trials))
      opened.outcomes.set(outcome.key, outcome);
    return opened;
  }

  /** Opens it to measure what is missing. @throws LabError BAD_OPTION where somebody is at it */
  static resume(folder: string): SweepFolder {
    const { folder: real, record } = SweepFolder.open(folder);
    const locked = new SweepFolder(real, record);
    locked.#takeLock();
    try {
      // Whoever had it until now may have added to it since the look before.
      const now = SweepFolder.open(real);
      locked.record = now.record;
      for (const [key, outcome] of now.outcomes) locked.outcomes.set(key, outcome);
      writePlain(
        join(real, TRIALS_FILE),
        [...locked.outcomes.values()].map((outcome) => `${JSON.stringify(outcome)}\n`).join(''),
      );
    } catch (error) {
      locked.release();
      throw unwritable(real, error);
    }
    return locked;
  }

  #takeLock(): void {
    const taken = tryLock(join(this.folder, LOCK_FILE));
    if (!('release' in taken)) {
      const { who, todo } = heldBy(taken);
      throw new LabError('BAD_OPTION', `${this.folder} is locked by ${who}`, todo);
    }
    this.#lock = taken;
    for (const name of readdirSync(this.folder))
      if (name.startsWith('.load-')) rmSync(join(this.folder, name), { recursive: true, force: true });
  }

  /** A folder for a lab, which is taken away with it. */
  scratch(name: string): string {
    return join(this.folder, `.load-${process.pid}-${name}`);
  }

  add(outcome: KeptOutcome): void {
    this.outcomes.set(outcome.key, outcome);
    try {
      appendPlain(join(this.folder, TRIALS_FILE), `${JSON.stringify(outcome)}\n`);
    } catch (error) {
      throw unwritable(this.folder, error);
    }
  }

  save(): void {
    writePlain(join(this.folder, SPEC_FILE), `${JSON.stringify(this.record, null, 2)}\n`);
  }

  /** Nobody measures here any more. */
  release(): void {
    this.#lock?.release();
  }
}

const badName = (name: unknown): LabError =>
  new LabError('BAD_EVIDENCE', `${JSON.stringify(name)} cannot be the name of a sweep`, `a name: ${NAME_RULE}`);

/** The newest sweep that was not measured to its end. */
export function newestUnfinished(runs: string): string | undefined {
  if (!existsSync(runs)) return undefined;
  // No links: "latest" is one, and others lead elsewhere.
  const foldersIn = (folder: string) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => join(folder, name));
  return foldersIn(runs)
    .flatMap(foldersIn)
    .filter((folder) => existsSync(join(folder, SPEC_FILE)) && !existsSync(join(folder, RESULT_FILE)))
    .sort((a, b) => statSync(join(a, SPEC_FILE)).mtimeMs - statSync(join(b, SPEC_FILE)).mtimeMs)
    .at(-1);
}
