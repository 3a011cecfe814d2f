import { LabError } from '../base/errors.ts';
import { bind, closeDescriptor, ERRNO, receive, type SystemCallError, send, setOption, socket } from './libc.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const HEADER = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;
/** A dump comes in pieces of at most 32 KiB (netlink_recvmsg). */
const BUFFER_BYTES = 64 * 1024;
const DUMP_TRIES = 10;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const ATTRIBUTE_FLAGS = 0xc000;

/** A message of the kernel, without its netlink header. */
export interface NetlinkMessage {
  type: number;
  /** Port of the program that caused an event; 0 for the kernel itself. */
  port: number;
  payload: Buffer;
}

const aligned = (length: number) => (length + 3) & ~3;

/** A message whose lengths contradict each other: what it tells is not known, and evidence would be missing. */
export const malformed = (what: string): LabError =>
  new LabError(
    'BAD_EVIDENCE',
    `a malformed netlink message: ${what}`,
    'run again; if it happens again, please report it',
  );

/** A value of exactly so many bytes. @throws LabError BAD_EVIDENCE */
export function sized(bytes: Buffer, length: number, what: string): Buffer {
  if (bytes.length !== length) throw malformed(`${what} of ${bytes.length} bytes, not ${length}`);
  return bytes;
}

/** The attributes (rtnetlink(7)) of a message or of another attribute, by type. @throws LabError BAD_EVIDENCE */
export function attributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let offset = 0; offset + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length)
      throw malformed(`an attribute of ${length} bytes where ${bytes.length - offset} are left`);
    found.set(bytes.readUInt16LE(offset + 2) & ~ATTRIBUTE_FLAGS, bytes.subarray(offset + 4, offset + length));
    offset += aligned(length);
  }
  return found;
}

/** One attribute; its value may be attributes. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(aligned(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** What a datagram of the kernel holds. */
interface Datagram {
  messages: NetlinkMessage[];
  /** Whether the answer ends with it. */
  done: boolean;
  /** Whether the table changed while it was read. */
  interrupted: boolean;
}

/**
 * Reads the messages of a datagram; their payloads are copies.
 * @throws Error with `errno` when the kernel refuses; LabError BAD_EVIDENCE
 */
export function parseDatagram(bytes: Buffer): Datagram {
  const messages: NetlinkMessage[] = [];
  let done = false;
  let interrupted = false;
  for (let offset = 0; offset + HEADER <= bytes.length; ) {
    const size = bytes.readUInt32LE(offset);
    if (size < HEADER || offset + size > bytes.length)
      throw malformed(`it claims ${size} bytes where ${bytes.length - offset} are left`);
    const type = bytes.readUInt16LE(offset + 4);
    if ((bytes.readUInt16LE(offset + 6) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    const payload = Buffer.from(bytes.subarray(offset + HEADER, offset + size));
    if (type === NLMSG_DONE) done = true;
    else if (type === NLMSG_ERROR) {
      if (payload.length < 4) throw malformed('an error without a number');
      const errno = -payload.readInt32LE(0);
      if (errno !== 0) throw Object.assign(new Error(`netlink answered errno ${errno}`), { errno });
      done = true;
    } else messages.push({ type, port: bytes.readUInt32LE(offset + 12), payload });
    offset += aligned(size);
  }
  return { messages, done, interrupted };
}

/** A netlink(7) socket of the network namespace in which it is opened. */
export class NetlinkSocket implements Disposable {
  readonly fd: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);

  /**
   * @param groups bit mask of the multicast groups to listen to
   * @param bufferBytes for events; where we may not have so much the kernel gives what it allows
   */
  constructor(protocol: number, { groups = 0, bufferBytes }: { groups?: number; bufferBytes?: number } = {}) {
    this.fd = socket(AF_NETLINK, SOCK_RAW, protocol);
    if (bufferBytes !== undefined) this.#enlarge(bufferBytes);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups, 8);
    bind(this.fd, address);
  }

  #enlarge(bytes: number): void {
    const value = Buffer.alloc(4);
    value.writeInt32LE(bytes);
    try {
      setOption(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, value);
    } catch {
      setOption(this.fd, SOL_SOCKET, SO_RCVBUF, value);
    }
  }

  #receive(wait: boolean): Datagram | undefined {
    const length = receive(this.fd, this.#buffer, { wait });
    if (length === undefined) return undefined;
    return parseDatagram(this.#buffer.subarray(0, length));
  }

  #send(type: number, flags: number, payload: Buffer): void {
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(HEADER + payload.length, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt16LE(NLM_F_REQUEST | flags, 6);
    send(this.fd, Buffer.concat([header, payload]));
  }

  /** Asks for one thing to be done. @throws Error with `errno` when the kernel refuses */
  request(type: number, flags: number, payload: Buffer): void {
    this.#send(type, flags | NLM_F_ACK, payload);
    while (!this.#receive(true)?.done);
  }

  #dumpOnce(type: number, payload: Buffer): NetlinkMessage[] | undefined {
    this.#send(type, NLM_F_DUMP, payload);
    const all: NetlinkMessage[] = [];
    let torn = false;
    for (;;) {
      const part = this.#receive(true);
      all.push(...(part?.messages ?? []));
      torn ||= part?.interrupted ?? false;
      if (part?.done) return torn ? undefined : all;
    }
  }

  /** Asks for a whole table. One that changed while it was read is read again, for it may have holes. */
  dump(type: number, payload: Buffer): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const all = this.#dumpOnce(type, payload);
      if (all) return all;
      if (attempt === DUMP_TRIES) throw new Error('a kernel table changed at every look');
    }
  }

  /** The events that wait; `lost` when the kernel had to drop some before. */
  events(): { messages: NetlinkMessage[]; lost: boolean } {
    const messages: NetlinkMessage[] = [];
    let lost = false;
    for (;;) {
      try {
        const part = this.#receive(false);
        if (!part) return { messages, lost };
        messages.push(...part.messages);
      } catch (error) {
        if ((error as SystemCallError).errno !== ERRNO.ENOBUFS) throw error;
        lost = true;
      }
    }
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.fd);
  }
}
