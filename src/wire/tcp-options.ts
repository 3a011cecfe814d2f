/** The options of a TCP header (RFC 9293, 3.2; RFC 7323; RFC 2018), each as the last that was there. */
export interface TcpOptions {
  /** Maximum segment size, bytes. */
  mss?: number;
  /** By so many bits every later window of this end is shifted. */
  windowScale?: number;
  sackPermitted?: true;
  /** What arrived beyond a gap: first sequence number, and the first after it. */
  sack?: { left: number; right: number }[];
  timestamps?: { value: number; echo: number };
  /** Those that are not read: `length` counts kind and length, too. */
  others?: { kind: number; length: number }[];
}

const KIND = { end: 0, nothing: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8 } as const;
/** Two NOPs and timestamps, as every segment of an established connection of Linux has them. */
const TIMESTAMPS_ALONE = 0x0101080a;
const NONE: TcpOptions = Object.freeze({});

const timestampsAt = (data: Buffer, at: number) => ({ value: data.readUInt32BE(at), echo: data.readUInt32BE(at + 4) });

/** Reads the options between two offsets, up to the first that is not there as a whole. */
export function parseTcpOptions(data: Buffer, from: number, to: number): TcpOptions {
  if (from >= to) return NONE;
  if (to - from === 12 && data.readUInt32BE(from) === TIMESTAMPS_ALONE)
    return { timestamps: timestampsAt(data, from + 4) };
  const options: TcpOptions = {};
  for (let at = from; at < to; ) {
    const kind = data[at] as number;
    if (kind === KIND.end) break;
    if (kind === KIND.nothing) {
      at++;
      continue;
    }
    const length = at + 1 < to ? (data[at + 1] as number) : 0;
    if (length < 2 || at + length > to) break;
    if (kind === KIND.mss && length === 4) options.mss = data.readUInt16BE(at + 2);
    else if (kind === KIND.windowScale && length === 3) options.windowScale = data[at + 2] as number;
    else if (kind === KIND.sackPermitted && length === 2) options.sackPermitted = true;
    else if (kind === KIND.timestamps && length === 10) options.timestamps = timestampsAt(data, at + 2);
    else if (kind === KIND.sack && length > 2 && length % 8 === 2) {
      options.sack = [];
      for (let block = at + 2; block < at + length; block += 8)
        options.sack.push({ left: data.readUInt32BE(block), right: data.readUInt32BE(block + 4) });
    } else {
      options.others ??= [];
      options.others.push({ kind, length });
    }
    at += length;
  }
  return options;
}
