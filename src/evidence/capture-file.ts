// A capture of a long night is large, and nearly all of it repeats: then the file is compressed. Wireshark recognises that by
// the file itself, without ".gz" in its name (wireshark(1)), and so do we.
import { constants, gunzipSync, gzipSync } from 'node:zlib';

/** Smaller captures are left as they are: every program reads them. */
const LARGE_BYTES = 4 * 1024 ** 2;
/** RFC 1952, 2.3.1. */
const GZIP = [0x1f, 0x8b] as const;

/** How much is compressed at once: each piece is a member of the file by itself (RFC 1952, 2.2), and gunzip joins them. */
const MEMBER_BYTES = 4 * 1024 ** 2;

/**
 * Takes a capture piece by piece, and gives it on as it is kept.
 * @param bytes how many there will be
 */
export function packer(bytes: number, write: (piece: Buffer) => void): { add(piece: Buffer): void; end(): void } {
  if (bytes < LARGE_BYTES) return { add: write, end: () => {} };
  let gathered: Buffer[] = [];
  let size = 0;
  const end = () => {
    if (size > 0) write(gzipSync(Buffer.concat(gathered), { level: constants.Z_BEST_SPEED }));
    gathered = [];
    size = 0;
  };
  return {
    add(piece) {
      gathered.push(Buffer.from(piece));
      size += piece.length;
      if (size >= MEMBER_BYTES) end();
    },
    end,
  };
}

/**
 * A capture as it was before it was packed; of a file that is cut off, what there is.
 * @param mostBytes that it may have
 * @throws Error where it is damaged, or larger
 */
export function unpackCapture(bytes: Buffer, mostBytes: number): Buffer {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
  return gunzipSync(bytes, { maxOutputLength: mostBytes, finishFlush: constants.Z_SYNC_FLUSH });
}
