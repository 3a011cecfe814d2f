// Files in a folder that somebody else may have prepared: nothing written to it leaves it by a symbolic link.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LabError } from '../errors.ts';

/** Names of runs, sweeps and what is in them: safe as a folder's name, in a shell, in a page, in a path's last part. */
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
export const NAME_RULE =
  'letters, digits, dots, dashes and underscores, at most 100, starting with a letter or a digit, as in my-night.yaml';

export const isPlainName = (name: string): boolean => NAME.test(name);

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

const notPlain = (path: string, is: string, cause?: unknown): LabError =>
  new LabError(
    'BAD_EVIDENCE',
    `${JSON.stringify(path)} is ${is}: nothing is written through it`,
    'do not trust a folder that holds such a thing; remove it, or take another folder',
    cause,
  );

/** lstat, undefined where there is nothing. */
function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

const kindOf = (stats: Stats): string =>
  stats.isSymbolicLink()
    ? 'a symbolic link'
    : stats.isDirectory()
      ? 'a folder'
      : stats.isFile()
        ? 'a file'
        : 'neither a file nor a folder';

/** Makes a folder in another, or takes the one that is there. @throws LabError BAD_EVIDENCE where it is a link */
export function plainFolder(parent: string, name: string): string {
  const path = join(parent, name);
  try {
    mkdirSync(path);
  } catch (error) {
    const stats = look(path);
    if (stats === undefined) throw error;
    if (!stats.isDirectory()) throw notPlain(path, kindOf(stats), error);
  }
  return path;
}

/** The folder that a path names, itself perhaps a link (runs/latest), by its own path. @throws as realpath */
export const realFolder = (path: string): string => realpathSync(path);

/** Refuses everything in a folder, however deep, that is neither a file nor a folder. @throws LabError BAD_EVIDENCE */
export function refuseLinks(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (!entry.isFile() && !entry.isDirectory()) {
      const path = join(entry.parentPath, entry.name);
      throw notPlain(path, kindOf(lstatSync(path)));
    }
}

/**
 * Writes a file whole or not at all: beside its place, then renamed into it.
 * @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place; what the file system throws
 */
export function writePlain(path: string, data: string | Uint8Array): void {
  const stats = look(path);
  if (stats !== undefined && !stats.isFile()) throw notPlain(path, kindOf(stats));
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const fd = openSync(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
  try {
    writeFileSync(fd, data);
    closeSync(fd);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** Opens a file without following a link, and only if it is a file. */
function openPlain(path: string, flags: number): number {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o666);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw notPlain(path, 'a symbolic link', error);
    throw error;
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return fd;
  closeSync(fd);
  throw notPlain(path, kindOf(stats));
}

/** @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place; what the file system throws */
export function appendPlain(path: string, data: string | Uint8Array): void {
  const fd = openPlain(path, O_WRONLY | O_APPEND | O_CREAT);
  try {
    writeFileSync(fd, data);
  } finally {
    closeSync(fd);
  }
}

/** @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place; what the file system throws */
export function readPlain(path: string): string {
  const fd = openPlain(path, O_RDONLY);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
