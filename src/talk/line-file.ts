import { appendFileSync, closeSync, openSync, readSync } from 'node:fs';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;
/** How often a growing file is looked at: soon enough for a progress display, and next to no work. */
const POLL_MS = 20;

/**
 * Appends one line to a file that somebody else follows. Unlike a pipe, a file never makes its writer wait for its reader.
 * The file is opened and closed each time: on User-Mode Linux's hostfs, closing is what hands the bytes to the machine.
 */
export const appendLine = (file: string, line: string): void => appendFileSync(file, `${line}\n`);

/**
 * Reads a file line by line while it grows. A line is delivered once its newline is there.
 * @throws what openSync throws, when the file does not exist yet
 */
export class LineFollower implements Disposable {
  readonly #fd: number;
  readonly #onLine: (line: string) => void;
  readonly #poll: NodeJS.Timeout;
  #begun: Buffer[] = [];
  #open = true;

  constructor(file: string, onLine: (line: string) => void) {
    this.#fd = openSync(file, 'r');
    this.#onLine = onLine;
    this.#poll = setInterval(() => this.read(), POLL_MS);
  }

  /** Delivers at once what has been written since the last look. @returns how many lines that were */
  read(): number {
    let lines = 0;
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    while (this.#open) {
      const length = readSync(this.#fd, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) break;
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < length; end = chunk.indexOf(NEWLINE, start)) {
        const line = Buffer.concat([...this.#begun, chunk.subarray(start, end)]).toString('utf8');
        this.#begun = [];
        start = end + 1;
        lines++;
        this.#onLine(line);
      }
      if (start < length) this.#begun.push(Buffer.from(chunk.subarray(start, length)));
    }
    return lines;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll);
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
