/** A frame as captured: bytes with their link type and time. */
export interface Frame {
  /** Seconds since the epoch. */
  time: number;
  /** The same in nanoseconds, exactly as captured. */
  nanoseconds: bigint;
  data: Buffer;
  /** Length on the wire, which a snap length may have cut. */
  originalLength: number;
  linkType: number;
}

const MAGIC_MICRO = 0xa1b2c3d4;
const MAGIC_NANO = 0xa1b23c4d;
const HEADER = 24;
const RECORD_HEADER = 16;

/** No frame is longer: the snap length that tcpdump and we write. */
const MOST_BYTES = 262_144;

/** Reads a pcap byte stream as it grows (tcpdump.org/manpages/pcap-savefile.5). */
export class PcapStream {
  #rest: Buffer = Buffer.alloc(0);
  #linkType: number | undefined;
  #nano = false;
  #little = true;

  /** Whether all bytes so far have become frames: false where they end in the middle of one, or before the first. */
  get whole(): boolean {
    return this.#linkType !== undefined && this.#rest.length === 0;
  }

  /** @returns the frames that these bytes completed. @throws Error on bytes that are no pcap */
  push(bytes: Buffer): Frame[] {
    const rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = rest;
    const frames: Frame[] = [];
    if (this.#linkType === undefined) {
      if (this.#rest.length < HEADER) return frames;
      const magic = this.#rest.readUInt32LE(0);
      this.#little = magic === MAGIC_MICRO || magic === MAGIC_NANO;
      const known = this.#little ? magic : this.#rest.readUInt32BE(0);
      if (known !== MAGIC_MICRO && known !== MAGIC_NANO) throw new Error('not a pcap file');
      this.#nano = known === MAGIC_NANO;
      this.#linkType = this.#u32(20) & 0x0fff_ffff;
      this.#rest = this.#rest.subarray(HEADER);
    }
    let at = rest.length - this.#rest.length;
    for (;;) {
      const left = rest.length - at;
      const length = left < RECORD_HEADER ? 0 : this.#u32At(rest, at + 8);
      const whole = left >= RECORD_HEADER + length;
      if (left >= RECORD_HEADER) this.#check(rest, at);
      if (!whole) break;
      const seconds = this.#u32At(rest, at);
      const nanoseconds = this.#u32At(rest, at + 4) * (this.#nano ? 1 : 1000);
      frames.push({
        nanoseconds: BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
        time: (seconds * 1e6 + Math.floor(nanoseconds / 1000)) / 1e6,
        data: rest.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length),
        originalLength: this.#u32At(rest, at + 12),
        linkType: this.#linkType,
      });
      at += RECORD_HEADER + length;
    }
    this.#rest = rest.subarray(at);
    return frames;
  }

  #check(bytes: Buffer, at: number): void {
    const [length, original] = [this.#u32At(bytes, at + 8), this.#u32At(bytes, at + 12)];
    if (length > MOST_BYTES || length > original || this.#u32At(bytes, at + 4) >= (this.#nano ? 1e9 : 1e6))
      throw new Error(`there is no packet where one should begin: ${length} of ${original} bytes`);
  }

  #u32At(bytes: Buffer, offset: number): number {
    return this.#little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  }

  #u32(offset: number): number {
    return this.#little ? this.#rest.readUInt32LE(offset) : this.#rest.readUInt32BE(offset);
  }
}

/** The beginning of a pcap file with nanosecond time stamps. */
export function pcapHeader(linkType: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(MAGIC_NANO, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(linkType, 20);
  return header;
}

/** One packet of a pcap file. */
export function pcapRecord(frame: {
  seconds: number;
  nanoseconds: number;
  data: Buffer;
  originalLength: number;
}): Buffer {
  const record = Buffer.alloc(RECORD_HEADER + frame.data.length);
  record.writeUInt32LE(frame.seconds, 0);
  record.writeUInt32LE(frame.nanoseconds, 4);
  record.writeUInt32LE(frame.data.length, 8);
  record.writeUInt32LE(frame.originalLength, 12);
  frame.data.copy(record, RECORD_HEADER);
  return record;
}
