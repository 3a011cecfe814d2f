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

/** Writes one pcapng section (draft-ietf-opsawg-pcapng): an interface for each host and link, frames in the order given. */
export function writePcapng(frames: readonly CapturedFrame[], application: string): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  header.writeUInt16LE(1, 4);
  header.writeBigInt64LE(-1n, 8);
  const blocks = [block(SECTION_HEADER, header, text(OPT.shbUserApplication, application), endOfOptions)];
  const packets: PacketBlock[] = [];
  const interfaces = new Map<string, number>();
  for (const frame of frames) {
    const key = `${frame.host}/${frame.interface}/${frame.linkType}`;
    let id = interfaces.get(key);
    if (id === undefined) {
      id = interfaces.size;
      interfaces.set(key, id);
      const description = Buffer.alloc(8);
      description.writeUInt16LE(frame.linkType, 0);
      description.writeUInt32LE(262_144, 4);
      blocks.push(
        block(
          INTERFACE_DESCRIPTION,
          description,
          text(OPT.ifName, `${frame.host}/${frame.interface}`),
          text(OPT.ifDescription, `host ${frame.host}, interface ${frame.interface}`),
          option(OPT.ifTimestampResolution, Buffer.from([NANOSECONDS])),
          endOfOptions,
        ),
      );
    }
    const options = frame.comment === undefined ? [] : [text(OPT.comment, frame.comment), endOfOptions];
    packets.push({ id, frame, options });
  }
  // One buffer for all of them: there may be hundreds of thousands.
  const sizes = packets.map(({ frame, options }) =>
    options.reduce((sum, each) => sum + each.length, 32 + padded(frame.data.length)),
  );
  const head = Buffer.concat(blocks);
  const bytes = Buffer.alloc(sizes.reduce((sum, size) => sum + size, head.length));
  head.copy(bytes);
  let at = head.length;
  for (const [index, packet] of packets.entries()) {
    const size = sizes[index] as number;
    writePacket(bytes.subarray(at, at + size), packet);
    at += size;
  }
  return bytes;
}

interface PacketBlock {
  id: number;
  frame: CapturedFrame;
  options: Buffer[];
}

/** Fills an enhanced packet block, which is all zeros before. */
function writePacket(bytes: Buffer, { id, frame, options }: PacketBlock): void {
  bytes.writeUInt32LE(ENHANCED_PACKET, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(id, 8);
  bytes.writeUInt32LE(Number(frame.nanoseconds >> 32n), 12);
  bytes.writeUInt32LE(Number(frame.nanoseconds & 0xffff_ffffn), 16);
  bytes.writeUInt32LE(frame.data.length, 20);
  bytes.writeUInt32LE(frame.originalLength, 24);
  frame.data.copy(bytes, 28);
  let at = 28 + padded(frame.data.length);
  for (const option of options) at += option.copy(bytes, at);
  bytes.writeUInt32LE(bytes.length, bytes.length - 4);
}

/** The least bytes of a block's body, by its type. */
const LEAST: Readonly<Record<number, number>> = {
  [SECTION_HEADER]: 16,
  [INTERFACE_DESCRIPTION]: 8,
  [ENHANCED_PACKET]: 20,
};

/** The bodies of blocks, in order; `cut` where the last one is not there to its end. @throws Error on lengths that contradict */
function blocksOf(bytes: Buffer): { blocks: { type: number; body: Buffer }[]; cut: boolean } {
  const blocks: { type: number; body: Buffer }[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes.length - offset < 12) return { blocks, cut: true };
    const type = bytes.readUInt32LE(offset);
    const total = bytes.readUInt32LE(offset + 4);
    if (total < 12 + (LEAST[type] ?? 0) || total % 4 !== 0) throw new Error(`a block of ${total} bytes at ${offset}`);
    if (offset + total > bytes.length) return { blocks, cut: true };
    if (bytes.readUInt32LE(offset + total - 4) !== total) throw new Error(`a block at ${offset} with two lengths`);
    blocks.push({ type, body: bytes.subarray(offset + 8, offset + total - 4) });
    offset += total;
  }
  return { blocks, cut: bytes.length === 0 };
}

/**
 * Reads back what writePcapng wrote.
 * @returns its frames; `cut`: whether it ends in the middle of one
 * @throws Error on anything else
 */
export function readPcapng(bytes: Buffer): { frames: CapturedFrame[]; cut: boolean } {
  const frames: CapturedFrame[] = [];
  const interfaces: { host: string; interface: string; linkType: number }[] = [];
  const { blocks, cut } = blocksOf(bytes);
  if (blocks.length > 0 && blocks[0]?.type !== SECTION_HEADER) throw new Error('not a capture of this program');
  for (const { type, body } of blocks) {
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
      const nanoseconds = (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8));
      const length = body.readUInt32LE(12);
      const originalLength = body.readUInt32LE(16);
      if (20 + length > body.length || length > originalLength)
        throw new Error(`a packet that claims ${length} of ${originalLength} bytes in a block of ${body.length}`);
      const comment = options(body.subarray(20 + padded(length)))
        .get(OPT.comment)
        ?.toString('utf8');
      frames.push({
        ...where,
        nanoseconds,
        time: Number(nanoseconds / 1000n) / 1e6,
        data: body.subarray(20, 20 + length),
        originalLength,
        ...(comment === undefined ? {} : { comment }),
      });
    }
  }
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
