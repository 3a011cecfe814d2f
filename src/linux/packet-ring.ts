import { LINKTYPE } from '../wire/packet.ts';
import { bind, closeDescriptor, getOption, mapMemory, setOption, socket } from './libc.ts';

// Packets as the kernel puts them into a ring of memory that we share with it (packet(7), TPACKET_V2): no copy, no system
// call a packet, the kernel's own time stamps, and a count of what it had to drop.

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const ETH_P_ALL = 3;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const TPACKET_V2 = 1;
const TP_STATUS_KERNEL = 0;
const TP_STATUS_USER = 1;
const HEADER = 32;
const SOCKADDR_LL = 20;
const SLL2_HEADER = 20;
/** Of a record in a pcap file (tcpdump.org/manpages/pcap-savefile.5). */
const RECORD_HEADER = 16;
/** What is written at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * Bytes of a slot: headers and the lab's own messages fit whole; longer frames are cut. Where very many are expected, room
 * for more of them counts for more than their ends.
 */
const SLOT_BYTES = { few: 2048, many: 512 } as const;
const MANY = 4096;
/** One page: User-Mode Linux miscounts mapped blocks of several when a process forks ("Bad page map"). */
const BLOCK_BYTES = 4096;

export interface RingFrame {
  seconds: number;
  nanoseconds: number;
  /** With an SLL2 header (tcpdump.org/linktypes) before the packet. */
  data: Buffer;
  /** Bytes with that header, had nothing been cut. */
  originalLength: number;
}

export const RING_LINKTYPE: number = LINKTYPE.sll2;

/** Every frame of every interface of the namespace in which it is opened, in and out, in order. */
export class PacketRing implements Disposable {
  readonly fd: number;
  readonly #memory: Buffer;
  readonly #status: Int32Array;
  readonly #unmap: () => void;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #next = 0;
  #dropped = 0;

  /** @param slots how many frames it holds before the kernel must drop some */
  constructor(slots: number) {
    this.#slots = slots;
    this.#slotBytes = slots > MANY ? SLOT_BYTES.many : SLOT_BYTES.few;
    // Without a protocol it hears nothing until its ring is there.
    this.fd = socket(AF_PACKET, SOCK_DGRAM, 0);
    setOption(this.fd, SOL_PACKET, PACKET_VERSION, words(TPACKET_V2));
    const bytes = slots * this.#slotBytes;
    setOption(this.fd, SOL_PACKET, PACKET_RX_RING, words(BLOCK_BYTES, bytes / BLOCK_BYTES, this.#slotBytes, slots));
    const { memory, unmap } = mapMemory(this.fd, bytes);
    this.#memory = Buffer.from(memory);
    this.#status = new Int32Array(memory);
    this.#unmap = unmap;
    const address = Buffer.alloc(SOCKADDR_LL);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_ALL, 2);
    bind(this.fd, address);
  }

  /** The frames that have come since the last time. */
  read(): RingFrame[] {
    const frames: RingFrame[] = [];
    for (;;) {
      const offset = this.#next * this.#slotBytes;
      const status = offset / 4;
      if ((Atomics.load(this.#status, status) & TP_STATUS_USER) === 0) return frames;
      frames.push(this.#frame(offset));
      Atomics.store(this.#status, status, TP_STATUS_KERNEL);
      this.#next = (this.#next + 1) % this.#slots;
    }
  }

  /**
   * The same as records of a pcap file, one after another, in as many pieces as it takes: nothing is made for each of them.
   * @param write takes the next bytes, and keeps none of them
   * @returns how many frames that were
   */
  readRecords(write: (bytes: Buffer) => void): number {
    const piece = this.#piece;
    let filled = 0;
    let frames = 0;
    for (;;) {
      const offset = this.#next * this.#slotBytes;
      const status = offset / 4;
      const more = (Atomics.load(this.#status, status) & TP_STATUS_USER) !== 0;
      if (filled > 0 && (!more || filled + RECORD_HEADER + SLL2_HEADER + this.#slotBytes > piece.length)) {
        write(piece.subarray(0, filled));
        filled = 0;
      }
      if (!more) return frames;
      const memory = this.#memory;
      const kept = memory.readUInt32LE(offset + 8);
      piece.writeUInt32LE(memory.readUInt32LE(offset + 16), filled);
      piece.writeUInt32LE(memory.readUInt32LE(offset + 20), filled + 4);
      piece.writeUInt32LE(SLL2_HEADER + kept, filled + 8);
      piece.writeUInt32LE(SLL2_HEADER + memory.readUInt32LE(offset + 4), filled + 12);
      this.#copyFrame(offset, kept, piece, filled + RECORD_HEADER);
      filled += RECORD_HEADER + SLL2_HEADER + kept;
      Atomics.store(this.#status, status, TP_STATUS_KERNEL);
      this.#next = (this.#next + 1) % this.#slots;
      frames++;
    }
  }

  #frame(offset: number): RingFrame {
    const memory = this.#memory;
    const kept = memory.readUInt32LE(offset + 8);
    const data = Buffer.alloc(SLL2_HEADER + kept);
    this.#copyFrame(offset, kept, data, 0);
    return {
      seconds: memory.readUInt32LE(offset + 16),
      nanoseconds: memory.readUInt32LE(offset + 20),
      data,
      originalLength: SLL2_HEADER + memory.readUInt32LE(offset + 4),
    };
  }

  /** Copies what was kept of a frame, with an SLL2 header before it. */
  #copyFrame(offset: number, kept: number, to: Buffer, at: number): void {
    const memory = this.#memory;
    const start = offset + memory.readUInt16LE(offset + 14);
    const from = offset + HEADER;
    memory.copy(to, at, from + 2, from + 4);
    to.writeUInt16LE(0, at + 2);
    to.writeUInt32BE(memory.readUInt32LE(from + 4), at + 4);
    to.writeUInt16BE(memory.readUInt16LE(from + 8), at + 8);
    to[at + 10] = memory[from + 10] as number;
    to[at + 11] = memory[from + 11] as number;
    memory.copy(to, at + 12, from + 12, from + 20);
    memory.copy(to, at + SLL2_HEADER, start, start + kept);
  }

  /** How many frames the kernel has dropped so far, the ring being full. */
  get dropped(): number {
    // Reading the count sets it back to zero.
    this.#dropped += getOption(this.fd, SOL_PACKET, PACKET_STATISTICS, 8).readUInt32LE(4);
    return this.#dropped;
  }

  [Symbol.dispose](): void {
    this.#unmap();
    closeDescriptor(this.fd);
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}
