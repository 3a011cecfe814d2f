// A capture of a long night is large, and nearly all of it repeats: then the file is compressed. Wireshark recognises that by
// the file itself, without ".gz" in its name (wireshark(1)), and so do we.
import { constants, gunzipSync, gzipSync } from 'node:zlib';

/** Smaller captures are left as they are: every program reads them. */
const LARGE_BYTES = 4 * 1024 ** 2;
/** RFC 1952, 2.3.1. */
const GZIP = [0x1f, 0x8b] as const;

/** A capture as it is kept. */
export const packCapture = (pcapng: Buffer): Buffer =>
  pcapng.length < LARGE_BYTES ? pcapng : gzipSync(pcapng, { level: constants.Z_BEST_SPEED });

/**
 * A capture as it was before it was packed; of a file that is cut off, what there is.
 * @param mostBytes that it may have
 * @throws Error where it is damaged, or larger
 */
export function unpackCapture(bytes: Buffer, mostBytes: number): Buffer {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
  return gunzipSync(bytes, { maxOutputLength: mostBytes, finishFlush: constants.Z_SYNC_FLUSH });
}
