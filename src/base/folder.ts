// What several processes, containers and machines do in one folder: one lock, one unfinished folder that is renamed into its
// place, one pointer to the newest.
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { LabError, messageOf } from './errors.ts';
import { type Life, lifeOf, nameOf, type Owner, owner, ownerText, parseOwner } from './owner.ts';
import { plainFolder, readPlain } from './plain.ts';

const unique = (): string => randomBytes(6).toString('hex');
const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** A folder that cannot be written to. @returns a LabError RUNS_UNWRITABLE; a LabError as it is */
export function unwritable(folder: string, error: unknown): LabError {
  if (error instanceof LabError) return error;
  return new LabError(
    'RUNS_UNWRITABLE',
    `cannot write to ${folder}: ${messageOf(error)}`,
    'make room or mend its permissions, or choose another folder with --runs <folder>',
    error,
  );
}

export interface Lock {
  /** Once; a second time does nothing. */
  release(): void;
}

/** A lock that somebody else has, or may have. */
export interface Held {
  /** The file to remove where its owner is known, to a person, to have ended. */
  file: string;
  by: Owner | undefined;
  life: Exclude<Life, { state: 'gone' }>;
}

/** Far more than a lock says of its owner. */
const MOST_LOCK_BYTES = 64 * 1024;

/** What a lock's file says; undefined where there is none. */
function textOf(file: string): string | undefined {
  try {
    return readPlain(file, MOST_LOCK_BYTES);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // A link, a folder: no lock of ours, and nothing to be taken over.
    if (error instanceof LabError) return '';
    throw error;
  }
}

/** Puts a file with its text in its place, where there is none. @returns false where there is one */
function putNew(file: string, text: string): boolean {
  const beside = `${file}.new-${unique()}`;
  writeFileSync(beside, text, { flag: 'wx' });
  try {
    linkSync(beside, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // A file system without hard links. Its readers may see the file before it has a text: an owner that is unknown.
    try {
      writeFileSync(file, text, { flag: 'wx' });
      return true;
    } catch (second) {
      if (codeOf(second) === 'EEXIST') return false;
      throw second;
    }
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Stands for one holding of a lock: texts are never the same twice. */
const claimOn = (file: string, text: string): string =>
  `${file}.after-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;

/**
 * Takes a lock, also one whose owner is gone, or says who has it. Of any number of processes that try at once, one has it.
 *
 * Taking it over from an owner that is gone: whoever wants to must first lock the claim on exactly this holding, look again,
 * and rename its own record over the old one. Nobody else may do that, and the old owner cannot; so there is no moment without
 * a lock, and none with two owners. A claim whose owner is gone is taken over in the same way.
 * @param file the lock's file, in a folder that exists
 * @throws what the file system throws
 */
export function tryLock(file: string): Lock | Held {
  const mine = JSON.stringify({ ...owner(), holding: unique() });
  for (;;) {
    if (putNew(file, mine)) return lockOf(file, mine);
    const theirs = textOf(file);
    if (theirs === undefined) continue;
    const by = parseOwner(theirs);
    const life = lifeOf(by);
    if (life.state !== 'gone') return { file, by, life };
    const claim = tryLock(claimOn(file, theirs));
    if (!('release' in claim)) return claim;
    try {
      if (textOf(file) !== theirs) continue;
      const beside = `${file}.new-${unique()}`;
      writeFileSync(beside, mine, { flag: 'wx' });
      renameSync(beside, file);
    } finally {
      claim.release();
    }
    forgetClaims(file);
    return lockOf(file, mine);
  }
}

/** Claims on earlier holdings mean nothing any more: whoever has one looks again, and sees ours. */
function forgetClaims(file: string): void {
  for (const name of readdirSync(dirname(file)))
    if (name.startsWith(`${basename(file)}.after-`)) rmSync(join(dirname(file), name), { force: true });
}

const lockOf = (file: string, mine: string): Lock => ({
  release() {
    if (textOf(file) === mine) rmSync(file, { force: true });
  },
});

/** Who has a lock, and what a person can do where that cannot be seen from here. */
export function heldBy({ file, by, life }: Held): { who: string; todo: string } {
  if (life.state === 'alive') return { who: nameOf(by), todo: 'wait for it, or end it first' };
  return {
    who: `${nameOf(by)}, and whether that still runs cannot be seen from here: ${life.because}`,
    todo: `if it has ended, remove ${file} and try again`,
  };
}

const OWNER_FILE = '.owner';
const PARTIAL = '.partial-';

/**
 * A new folder for what is not finished, with its owner's record in it.
 * @param parent a folder that exists
 * @param name of what it will be, for people who look
 */
export function partialFolder(parent: string, name: string): string {
  const folder = join(parent, `${PARTIAL}${name}-${unique()}`);
  mkdirSync(folder);
  writeFileSync(join(folder, OWNER_FILE), ownerText(), { flag: 'wx' });
  return folder;
}

/**
 * Takes away unfinished folders whose owner is gone, and no other.
 * @returns a sentence for each of which that cannot be seen from here
 */
export function clearPartials(parent: string): string[] {
  return readdirSync(parent)
    .filter((name) => name.startsWith(PARTIAL))
    .flatMap((name) => {
      const folder = join(parent, name);
      const by = parseOwner(textOf(join(folder, OWNER_FILE)) ?? '');
      const life = lifeOf(by);
      if (life.state === 'gone')
        try {
          rmSync(folder, { recursive: true, force: true });
        } catch {
          // Somebody else is taking it away too, or may, where we may not.
        }
      return life.state === 'unknown' && existsSync(folder)
        ? [
            `${folder} was left unfinished by ${nameOf(by)}, and whether that still runs cannot be seen from here: ${life.because}; if it has ended, remove the folder`,
          ]
        : [];
    });
}

const nameAfter = (name: string, count: number): string => (count === 1 ? name : `${name}-${count}`);
/** What is in the way of a folder of that name: something of that name. */
const TAKEN = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR']);

/** Moves an unfinished folder to its place, under the first of name, name-2, name-3 … that is free. @returns the place */
export function finish(partial: string, parent: string, name: string): string {
  rmSync(join(partial, OWNER_FILE), { force: true });
  for (let count = 1; ; count++) {
    const place = join(parent, nameAfter(name, count));
    if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      renameSync(partial, place);
      return place;
    } catch (error) {
      if (!TAKEN.has(codeOf(error) ?? '')) throw error;
    }
  }
}

/** Makes a folder under the first of name, name-2, name-3 … that is free. */
export function newFolder(parent: string, name: string): string {
  for (let count = 1; ; count++) {
    const place = join(parent, nameAfter(name, count));
    try {
      mkdirSync(place);
      return place;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** The folder of everything of one name, in the folder of all runs; both are made where they are not there. */
export function folderOf(runs: string, name: string): string {
  mkdirSync(runs, { recursive: true });
  return plainFolder(runs, name);
}

/** Points runs/latest to a folder. */
export function pointLatest(runs: string, folder: string): void {
  const pointer = join(runs, `.latest-${unique()}`);
  symlinkSync(relative(runs, folder), pointer);
  try {
    renameSync(pointer, join(runs, 'latest'));
  } catch (error) {
    rmSync(pointer, { force: true });
    throw error;
  }
}
