import { PairNumbers } from './numbers.ts';
import type { Frame } from './pcap.ts';

/** A frame with the place where it was captured and, perhaps, what the report says of it. */
export interface CapturedFrame extends Frame {
  host: string;
  interface: string;
  comment?: string;
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPT = {
  end: 0,
  comment: 1,
  shbUserApplication: 4,
  ifName: 2,
  ifDescription: 3,
  ifTimestampResolution: 9,
} as const;
const NANOSECONDS = 9;
/** A link type has 16 bits. */
const LINK_TYPES = 0x1_0000;

const padded = (length: number) => Math.ceil(length / 4) * 4;

function option(code: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

const text = (code: number, value: string) => option(code, Buffer.from(value, 'utf8'));
const endOfOptions = Buffer.alloc(4);

function block(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const total = 12 + body.length;
  const bytes = Buffer.alloc(total);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(total, 4);
  body.copy(bytes, 8);
  bytes.writeUInt32LE(total, total - 4);
  return bytes;
}

/** How many bytes a writer gathers before it hands them on. */
const CHUNK_BYTES = 1024 * 1024;

/** Writes one pcapng section (draft-ietf-opsawg-pcapng) piece by piece: an interface for each host and link, frames in the order given. */
export class PcapngWriter {
  readonly #write: (bytes: Buffer) => void;
  readonly #places = new PairNumbers();
  /** By place and link type. */
  readonly #interfaces = new Map<number, number>();
  #chunk: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #filled = 0;

  /** @param write takes the next bytes, and keeps none of them */
  constructor(write: (bytes: Buffer) => void, application: string) {
    this.#write = write;
    const header = Buffer.alloc(16);
    header.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
    header.writeUInt16LE(1, 4);
    header.writeBigInt64LE(-1n, 8);
    this.#put(block(SECTION_HEADER, header, text(OPT.shbUserApplication, application), endOfOptions));
  }

  add(frame: CapturedFrame): void {
    const id = this.#interfaceOf(frame);
    const options =
      frame.comment === undefined ? undefined : Buffer.concat([text(OPT.comment, frame.comment), endOfOptions]);
    const size = packetBytes(frame.data.length, options?.length ?? 0);
    writePacket(this.#room(size), id, frame, options);
  }

  /** Hands on what is left. */
  end(): void {
    this.#flush();
  }

  #interfaceOf({ host, interface: name, linkType }: CapturedFrame): number {
    const place = this.#places.of(host, name);
    const known = this.#interfaces.get(place * LINK_TYPES + linkType);
    if (known !== undefined) return known;
    const id = this.#interfaces.size;
    this.#interfaces.set(place * LINK_TYPES + linkType, id);
    const description = Buffer.alloc(8);
    description.writeUInt16LE(linkType, 0);
    description.writeUInt32LE(262_144, 4);
    this.#put(
      block(
        INTERFACE_DESCRIPTION,
        description,
        text(OPT.ifName, `${host}/${name}`),
        text(OPT.ifDescription, `host ${host}, interface ${name}`),
        option(OPT.ifTimestampResolution, Buffer.from([NANOSECONDS])),
        endOfOptions,
      ),
    );
    return id;
  }

  #put(bytes: Buffer): void {
    bytes.copy(this.#room(bytes.length));
  }

  /** The next so many bytes, to be filled. */
  #room(size: number): Buffer {
    if (this.#filled + size > this.#chunk.length) this.#flush();
    if (size > this.#chunk.length) this.#chunk = Buffer.allocUnsafe(size);
    const room = this.#chunk.subarray(this.#filled, this.#filled + size);
    this.#filled += size;
    return room;
  }

  #flush(): void {
    if (this.#filled > 0) this.#write(this.#chunk.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** How many bytes a packet takes in such a file. */
export const packetBytes = (dataBytes: number, optionBytes = 0): number => 32 + padded(dataBytes) + optionBytes;

/** The same of frames that are in memory. */
export function writePcapng(frames: readonly CapturedFrame[], application: string): Buffer {
  const chunks: Buffer[] = [];
  const writer = new PcapngWriter((bytes) => chunks.push(Buffer.from(bytes)), application);
  for (const frame of frames) writer.add(frame);
  writer.end();
  return Buffer.concat(chunks);
}

/** Fills an enhanced packet block. */
function writePacket(bytes: Buffer, id: number, frame: CapturedFrame, options: Buffer | undefined): void {
  bytes.writeUInt32LE(ENHANCED_PACKET, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(id, 8);
  bytes.writeUInt32LE(Number(frame.nanoseconds >> 32n), 12);
  bytes.writeUInt32LE(Number(frame.nanoseconds & 0xffff_ffffn), 16);
  bytes.writeUInt32LE(frame.data.length, 20);
  bytes.writeUInt32LE(frame.originalLength, 24);
  frame.data.copy(bytes, 28);
  const at = 28 + padded(frame.data.length);
  bytes.fill(0, 28 + frame.data.length, at);
  options?.copy(bytes, at);
  bytes.writeUInt32LE(bytes.length, bytes.length - 4);
}

/** The least bytes of a block's body, by its type. */
const LEAST: Readonly<Record<number, number>> = {
  [SECTION_HEADER]: 16,
  [INTERFACE_DESCRIPTION]: 8,
  [ENHANCED_PACKET]: 20,
};

/** Looks at the bodies of blocks, in order. @returns whether the last one is not there to its end. @throws Error on lengths that contradict */
function eachBlock(bytes: Buffer, visit: (type: number, body: Buffer) => void): boolean {
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes.length - offset < 12) return true;
    const type = bytes.readUInt32LE(offset);
    const total = bytes.readUInt32LE(offset + 4);
    if (total < 12 + (LEAST[type] ?? 0) || total % 4 !== 0) throw new Error(`a block of ${total} bytes at ${offset}`);
    if (offset === 0 && type !== SECTION_HEADER) throw new Error('not a capture of this program');
    if (offset + total > bytes.length) return true;
    if (bytes.readUInt32LE(offset + total - 4) !== total) throw new Error(`a block at ${offset} with two lengths`);
    visit(type, bytes.subarray(offset + 8, offset + total - 4));
    offset += total;
  }
  return bytes.length === 0;
}

/**
 * Reads back what PcapngWriter wrote.
 * @param visit takes one frame after another
 * @returns `cut`: whether it ends in the middle of one
 * @throws Error on anything else
 */
export function eachFrame(bytes: Buffer, visit: (frame: CapturedFrame) => void): { cut: boolean } {
  const interfaces: { host: string; interface: string; linkType: number }[] = [];
  const cut = eachBlock(bytes, (type, body) => {
    if (type === SECTION_HEADER && body.readUInt32LE(0) !== BYTE_ORDER_MAGIC)
      throw new Error('not a capture of this program');
    if (type === INTERFACE_DESCRIPTION) {
      const found = options(body.subarray(8));
      const [host = '', name = ''] = (found.get(OPT.ifName)?.toString('utf8') ?? '').split('/');
      if (found.get(OPT.ifTimestampResolution)?.[0] !== NANOSECONDS) throw new Error('its time is not in nanoseconds');
      interfaces.push({ host, interface: name, linkType: body.readUInt16LE(0) });
    }
    if (type === ENHANCED_PACKET) {
      const where = interfaces[body.readUInt32LE(0)];
      if (!where) throw new Error('a packet of an unknown interface');
      visit(readPacket(body, where));
    }
  });
  return { cut };
}

function readPacket(body: Buffer, where: { host: string; interface: string; linkType: number }): CapturedFrame {
  const nanoseconds = (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8));
  const length = body.readUInt32LE(12);
  const originalLength = body.readUInt32LE(16);
  if (20 + length > body.length || length > originalLength)
    throw new Error(`a packet that claims ${length} of ${originalLength} bytes in a block of ${body.length}`);
  const end = 20 + padded(length);
  const comment = end < body.length ? options(body.subarray(end)).get(OPT.comment)?.toString('utf8') : undefined;
  return {
    host: where.host,
    interface: where.interface,
    linkType: where.linkType,
    nanoseconds,
    time: Number(nanoseconds / 1000n) / 1e6,
    data: body.subarray(20, 20 + length),
    originalLength,
    ...(comment === undefined ? {} : { comment }),
  };
}

/** The same, all in memory. @throws as eachFrame */
export function readPcapng(bytes: Buffer): { frames: CapturedFrame[]; cut: boolean } {
  const frames: CapturedFrame[] = [];
  const { cut } = eachFrame(bytes, (frame) => frames.push(frame));
  return { frames, cut };
}

/** @throws Error where one is longer than what is left */
function options(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let offset = 0; offset + 4 <= bytes.length; ) {
    const code = bytes.readUInt16LE(offset);
    const length = bytes.readUInt16LE(offset + 2);
    if (code === OPT.end) break;
    if (offset + 4 + length > bytes.length) throw new Error(`an option of ${length} bytes where fewer are left`);
    found.set(code, bytes.subarray(offset + 4, offset + 4 + length));
    offset += 4 + padded(length);
  }
  return found;
}
