// A sweep's folder: what is swept, and every outcome as it came, one line each. Whatever interrupts a sweep, its folder keeps
// what it has, and the sweep can be gone on with.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { LabError, messageOf } from '../errors.ts';
import { readBytes } from '../evidence/document.ts';
import { parseOutcomes, parseSweepRecord, type SweepRecord } from './record.ts';
import type { SweepSpec } from './spec.ts';
import type { KeptOutcome } from './trial.ts';

const SPEC_FILE = 'sweep.json';
const TRIALS_FILE = 'trials.ndjson';
const RESULT_FILE = 'result.json';
const LOCK_FILE = '.running';

export class SweepFolder {
  readonly folder: string;
  record: SweepRecord;
  readonly outcomes: Map<string, KeptOutcome> = new Map();

  private constructor(folder: string, record: SweepRecord) {
    this.folder = folder;
    this.record = record;
  }

  /** @throws LabError RUNS_UNWRITABLE */
  static create(runs: string, spec: SweepSpec, startedAt: Date, shard: string | null): SweepFolder {
    const start = startedAt.toISOString().replaceAll(':', '-');
    let folder = join(runs, spec.name, start);
    for (let again = 2; existsSync(folder); again++) folder = join(runs, spec.name, `${start}-${again}`);
    const made = new SweepFolder(folder, {
      spec,
      startedAt: startedAt.toISOString(),
      conditions: {},
      wallSeconds: 0,
      shard,
    });
    try {
      mkdirSync(folder, { recursive: true });
      made.save();
      writeFileSync(join(folder, TRIALS_FILE), '');
    } catch (error) {
      throw unwritable(folder, error);
    }
    made.#lock();
    return made;
  }

  /** A sweep that is there, whole or not. @throws LabError BAD_OPTION, BAD_EVIDENCE */
  static open(folder: string): SweepFolder {
    let json: string;
    try {
      json = readFileSync(join(folder, SPEC_FILE), 'utf8');
    } catch (error) {
      throw new LabError(
        'BAD_OPTION',
        `${folder} holds no sweep: ${messageOf(error)}`,
        'name the folder of one',
        error,
      );
    }
    const opened = new SweepFolder(folder, parseSweepRecord(json, join(folder, SPEC_FILE)));
    const trials = join(folder, TRIALS_FILE);
    for (const outcome of parseOutcomes(readBytes(trials), trials)) opened.outcomes.set(outcome.key, outcome);
    return opened;
  }

  /** Opens it to measure what is missing. @throws LabError BAD_OPTION where somebody is at it */
  static resume(folder: string): SweepFolder {
    const opened = SweepFolder.open(folder);
    opened.#lock();
    writeFileSync(
      join(folder, TRIALS_FILE),
      [...opened.outcomes.values()].map((outcome) => `${JSON.stringify(outcome)}\n`).join(''),
    );
    return opened;
  }

  #lock(): void {
    const file = join(this.folder, LOCK_FILE);
    const holder = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (holder !== '' && holder !== String(process.pid) && existsSync(`/proc/${holder}`))
      throw new LabError('BAD_OPTION', `process ${holder} is measuring ${this.folder}`, 'wait for it, or end it first');
    for (const name of readdirSync(this.folder))
      if (name.startsWith('.load-')) rmSync(join(this.folder, name), { recursive: true, force: true });
    writeFileSync(file, String(process.pid));
  }

  /** A folder for a lab, which is taken away with it. */
  scratch(name: string): string {
    return join(this.folder, `.load-${process.pid}-${name}`);
  }

  add(outcome: KeptOutcome): void {
    this.outcomes.set(outcome.key, outcome);
    try {
      appendFileSync(join(this.folder, TRIALS_FILE), `${JSON.stringify(outcome)}\n`);
    } catch (error) {
      throw unwritable(this.folder, error);
    }
  }

  save(): void {
    writeFileSync(join(this.folder, SPEC_FILE), `${JSON.stringify(this.record, null, 2)}\n`);
  }

  /** Nobody measures here any more. */
  release(): void {
    rmSync(join(this.folder, LOCK_FILE), { force: true });
  }
}

function unwritable(folder: string, error: unknown): LabError {
  return new LabError(
    'RUNS_UNWRITABLE',
    `cannot write to ${folder}: ${messageOf(error)}`,
    'make room or mend its permissions, or choose another folder with --runs <folder>',
    error,
  );
}

/** Points runs/latest to a folder. */
export function pointLatest(runs: string, folder: string): void {
  const pointer = join(runs, `.latest-${process.pid}`);
  rmSync(pointer, { force: true });
  symlinkSync(relative(runs, folder), pointer);
  renameSync(pointer, join(runs, 'latest'));
}

/** The newest sweep that was not measured to its end. */
export function newestUnfinished(runs: string): string | undefined {
  if (!existsSync(runs)) return undefined;
  return readdirSync(runs)
    .filter((name) => !name.startsWith('.') && name !== 'latest' && statSync(join(runs, name)).isDirectory())
    .flatMap((name) => readdirSync(join(runs, name)).map((start) => join(runs, name, start)))
    .filter((folder) => existsSync(join(folder, SPEC_FILE)) && !existsSync(join(folder, RESULT_FILE)))
    .sort((a, b) => statSync(join(a, SPEC_FILE)).mtimeMs - statSync(join(b, SPEC_FILE)).mtimeMs)
    .at(-1);
}
