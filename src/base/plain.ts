// Files in a folder that somebody else may have prepared: nothing is written or read through a symbolic link in it, and only
// files are opened, for a pipe may never answer and a device may never end.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LabError } from './errors.ts';

/** Names of runs, sweeps and what is in them: safe as a folder's name, in a shell, in a page, in a path's last part. */
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
export const NAME_RULE =
  'letters, digits, dots, dashes and underscores, at most 100, starting with a letter or a digit, as in my-night.yaml';

export const isPlainName = (name: string): boolean => NAME.test(name);

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

const NOT_WRITTEN = 'nothing is written through it';
const NOT_READ = 'it is not read';

const notPlain = (path: string, is: string, so: string, cause?: unknown): LabError =>
  new LabError(
    'BAD_EVIDENCE',
    `${JSON.stringify(path)} is ${is}: ${so}`,
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
    if (!stats.isDirectory()) throw notPlain(path, kindOf(stats), NOT_WRITTEN, error);
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
      throw notPlain(path, kindOf(lstatSync(path)), NOT_WRITTEN);
    }
}

/**
 * Writes a file whole or not at all: beside its place, then renamed into it.
 * @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place; what the file system throws
 */
export const writePlain = (path: string, data: string | Uint8Array): void =>
  writePlainPieces(path, (write) => write(data));

/** Opens a file without following a link, and only if it is a file. @param so what does not happen where it is not one */
function openPlain(path: string, flags: number, so: string): number {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o666);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const stats = code === 'ELOOP' || code === 'ENXIO' || code === 'EISDIR' ? look(path) : undefined;
    if (stats !== undefined && !stats.isFile()) throw notPlain(path, kindOf(stats), so, error);
    throw error;
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return fd;
  closeSync(fd);
  throw notPlain(path, kindOf(stats), so);
}

/** @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place; what the file system throws */
export function appendPlain(path: string, data: string | Uint8Array): void {
  const fd = openPlain(path, O_WRONLY | O_APPEND | O_CREAT, NOT_WRITTEN);
  try {
    writeFileSync(fd, data);
  } finally {
    closeSync(fd);
  }
}

/** How much is read at once where a file's size does not say how much it holds, as in /proc. */
const PIECE_BYTES = 64 * 1024;

/** Reads an open file to its end. @returns its bytes; undefined where there are more than it may have */
export function bytesOfOpen(fd: number, mostBytes: number): Buffer | undefined {
  const { size } = fstatSync(fd);
  if (size > mostBytes) return undefined;
  // One byte more than it has: the end of the file is seen without another buffer.
  let bytes = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    if (length > mostBytes) return undefined;
    if (length === bytes.length) bytes = Buffer.concat([bytes], length + PIECE_BYTES);
    const read = readSync(fd, bytes, length, Math.min(bytes.length - length, MOST_READ), null);
    if (read === 0) return bytes.subarray(0, length);
    length += read;
  }
}

/** read(2) takes no more at once: an int. */
const MOST_READ = 2 ** 30;

/**
 * Reads a file whole, without following a link to it.
 * @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place, or it is larger; what the file system throws
 */
export function readPlainBytes(path: string, mostBytes: number): Buffer {
  const fd = openPlain(path, O_RDONLY, NOT_READ);
  try {
    const bytes = bytesOfOpen(fd, mostBytes);
    if (bytes !== undefined) return bytes;
  } finally {
    closeSync(fd);
  }
  throw new LabError(
    'BAD_EVIDENCE',
    `${JSON.stringify(path)} has more than ${mostBytes} bytes: ${NOT_READ}`,
    'is it what idlelab wrote there? If so, take fewer connections or a smaller sweep',
  );
}

/**
 * Reads a file piece by piece, without following a link to it.
 * @throws LabError BAD_EVIDENCE where a link or anything but a file is in its place; what the file system throws
 */
export function* plainPieces(path: string, pieceBytes: number): Generator<Buffer> {
  const fd = openPlain(path, O_RDONLY, NOT_READ);
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const read = readSync(fd, piece, 0, pieceBytes, null);
      if (read === 0) return;
      yield piece.subarray(0, read);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Has a file written piece by piece, whole or not at all: beside its place, then renamed into it.
 * @throws as writePlain
 */
export function writePlainPieces(path: string, fill: (write: (piece: string | Uint8Array) => void) => void): void {
  const stats = look(path);
  if (stats !== undefined && !stats.isFile()) throw notPlain(path, kindOf(stats), NOT_WRITTEN);
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const fd = openSync(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
  try {
    fill((piece) => writeFileSync(fd, piece));
    closeSync(fd);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** The same, as text. @throws as readPlainBytes */
export const readPlain = (path: string, mostBytes: number): string => readPlainBytes(path, mostBytes).toString('utf8');
