import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { LabError, messageOf } from '../base/errors.ts';
import { bytesOfOpen } from '../base/plain.ts';
import { FILE_LIMITS } from './limits.ts';

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;
const BYTE_ORDER_MARK = '\uFEFF';

/** Follows links, for people keep their files where they like; but waits for no pipe and reads no device. */
function bytesOf(path: string): Buffer | undefined {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    if (!fstatSync(fd).isFile()) throw new Error('it is not a regular file');
    return bytesOfOpen(fd, FILE_LIMITS.bytes);
  } finally {
    closeSync(fd);
  }
}

/**
 * The text of a file that people write, without its byte order mark.
 * @returns the text; whether all of it was UTF-8 (what was not stands in it as U+FFFD); and whether the path is a symbolic link
 * @throws LabError BAD_FILE where it cannot be read, or is larger than any such file
 */
export function readText(path: string): { text: string; isText: boolean; isLink: boolean } {
  let bytes: Buffer | undefined;
  let isLink: boolean;
  try {
    bytes = bytesOf(path);
    isLink = lstatSync(path).isSymbolicLink();
  } catch (error) {
    throw new LabError(
      'BAD_FILE',
      `cannot read ${path}: ${messageOf(error)}`,
      'give the path of a readable YAML file',
      error,
    );
  }
  if (bytes === undefined)
    throw new LabError(
      'BAD_FILE',
      `${path}:1:1: at the top: expected a file of at most ${FILE_LIMITS.bytes / 1024} KiB, found a larger one`,
      'the shipped files have two or three; is it the right file?',
    );
  const text = bytes.toString('utf8');
  return { text: text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, isText: isUtf8(bytes), isLink };
}
