import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { LabError, messageOf } from '../errors.ts';
import { FILE_LIMITS } from './limits.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/** Reads no more of a file than it may have, for it may be a device that never ends. */
function bytesOf(path: string, most: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(most);
    let length = 0;
    while (length < most) {
      const read = readSync(file, bytes, length, most - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/**
 * The text of a file that people write, without its byte order mark.
 * @returns the text, and whether all of it was UTF-8; what was not stands in it as U+FFFD
 * @throws LabError BAD_FILE where it cannot be read, or is larger than any such file
 */
export function readText(path: string): { text: string; isText: boolean } {
  let bytes: Buffer;
  try {
    bytes = bytesOf(path, FILE_LIMITS.bytes + 1);
  } catch (error) {
    throw new LabError(
      'BAD_FILE',
      `cannot read ${path}: ${messageOf(error)}`,
      'give the path of a readable YAML file',
      error,
    );
  }
  if (bytes.length > FILE_LIMITS.bytes)
    throw new LabError(
      'BAD_FILE',
      `${path}:1:1: at the top: expected a file of at most ${FILE_LIMITS.bytes / 1024} KiB, found a larger one`,
      'the shipped files have two or three; is it the right file?',
    );
  const text = bytes.toString('utf8');
  return { text: text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, isText: isUtf8(bytes) };
}
