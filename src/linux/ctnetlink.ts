import { addressBytes, addressText } from '../wire/address.ts';
import { type Flow, type FlowEvent, reasonOf, type Tuple } from '../wire/flows.ts';
import type { SystemCallError } from './libc.ts';
import { attribute, attributes, malformed, type NetlinkMessage, NetlinkSocket, sized } from './netlink.ts';

// Connection tracking by netlink (include/uapi/linux/netfilter/nfnetlink_conntrack.h), as `conntrack -L` and `-E` show it.

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_CTNETLINK = 1 << 8;
const MESSAGE = { new: NFNL_SUBSYS_CTNETLINK, get: NFNL_SUBSYS_CTNETLINK | 1, delete: NFNL_SUBSYS_CTNETLINK | 2 };
/** Bits of NFNLGRP_CONNTRACK_NEW and NFNLGRP_CONNTRACK_DESTROY. */
const GROUPS = 0b101;
/** Enough for thousands of flows that expire at one look at their table. */
const EVENT_BUFFER_BYTES = 8 * 1024 * 1024;
const AF_INET = 2;
const AF_INET6 = 10;
/** An attribute that holds others. */
const NESTED = 0x8000;
const ENOENT = 2;
const NFGENMSG = 4;
const IPPROTO_TCP = 6;
const IPS_ASSURED = 1 << 2;
const CTA = { original: 1, reply: 2, status: 3, protocol: 4, timeout: 7, id: 12, timestamp: 20 } as const;
const TUPLE = { ip: 1, protocol: 2 } as const;
const IP = { v4Src: 1, v4Dst: 2, v6Src: 3, v6Dst: 4 } as const;
const PROTOCOL = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const PROTOINFO_TCP = 1;
const TCP_STATE = 1;
const TIMESTAMP_STOP = 2;

/** By number (enum tcp_conntrack). */
const STATES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
] as const;

const nested = (bytes: Buffer | undefined) => attributes(bytes ?? Buffer.alloc(0));

const portOf = (bytes: Buffer) => sized(bytes, 2, 'a port').readUInt16BE();
const u32 = (bytes: Buffer | undefined) =>
  bytes === undefined ? undefined : sized(bytes, 4, 'a number').readUInt32BE();

function address(bytes: Buffer): string {
  if (bytes.length !== 4 && bytes.length !== 16) throw malformed(`an address of ${bytes.length} bytes`);
  return addressText(bytes);
}

function parseTuple(bytes: Buffer | undefined): Tuple | undefined {
  const tuple = nested(bytes);
  const ip = nested(tuple.get(TUPLE.ip));
  const protocol = nested(tuple.get(TUPLE.protocol));
  const src = ip.get(IP.v4Src) ?? ip.get(IP.v6Src);
  const dst = ip.get(IP.v4Dst) ?? ip.get(IP.v6Dst);
  const sport = protocol.get(PROTOCOL.sourcePort);
  const dport = protocol.get(PROTOCOL.destinationPort);
  if (protocol.get(PROTOCOL.number)?.[0] !== IPPROTO_TCP || !src || !dst || !sport || !dport) return undefined;
  return { src: address(src), sport: portOf(sport), dst: address(dst), dport: portOf(dport) };
}

/** Reads one entry; undefined for what is not TCP. @throws LabError BAD_EVIDENCE */
export function parseEntry({ payload, port }: NetlinkMessage): (Flow & { stoppedAt: number | undefined }) | undefined {
  const entry = attributes(payload.subarray(NFGENMSG));
  const original = parseTuple(entry.get(CTA.original));
  const reply = parseTuple(entry.get(CTA.reply));
  if (!original || !reply) return undefined;
  const state = nested(nested(entry.get(CTA.protocol)).get(PROTOINFO_TCP)).get(TCP_STATE)?.[0];
  const stopped = nested(entry.get(CTA.timestamp)).get(TIMESTAMP_STOP);
  const stop = stopped && sized(stopped, 8, 'a time').readBigUInt64BE();
  return {
    id: u32(entry.get(CTA.id)) ?? 0,
    state: state === undefined ? undefined : STATES[state],
    expiresIn: u32(entry.get(CTA.timeout)),
    original,
    reply,
    assured: ((u32(entry.get(CTA.status)) ?? 0) & IPS_ASSURED) !== 0,
    deletedBy: port === 0 ? undefined : String(port),
    stoppedAt: stop === undefined || stop === 0n ? undefined : Number(stop / 1000n) / 1e6,
  };
}

/** All TCP flows that the namespace this thread is in tracks. Looking makes the kernel drop those that have expired. */
export function flowTable(): Flow[] {
  using netlink = new NetlinkSocket(NETLINK_NETFILTER);
  return netlink
    .dump(MESSAGE.get, Buffer.alloc(NFGENMSG))
    .map((message) => parseEntry({ ...message, port: 0 }))
    .filter((entry) => entry !== undefined)
    .map(({ stoppedAt: _, ...flow }) => flow);
}

/** Deletes every flow of this namespace, of IPv4 and IPv6, as `conntrack -F` does. */
export function forgetFlows(): void {
  using netlink = new NetlinkSocket(NETLINK_NETFILTER);
  // Without a tuple and a family: all (ctnetlink_flush_conntrack).
  netlink.request(MESSAGE.delete, 0, Buffer.alloc(NFGENMSG));
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** @returns the tuple as the kernel reads it, with its address family */
function tupleBytes({ src, sport, dst, dport }: Tuple): { family: number; bytes: Buffer } {
  const [from, to] = [addressBytes(src), addressBytes(dst)];
  if (!from || !to) throw new TypeError(`no addresses: ${src}, ${dst}`);
  const [source, destination] = from.length === 4 ? [IP.v4Src, IP.v4Dst] : [IP.v6Src, IP.v6Dst];
  const ip = Buffer.concat([attribute(source, from), attribute(destination, to)]);
  const protocol = Buffer.concat([
    attribute(PROTOCOL.number, Buffer.from([IPPROTO_TCP])),
    attribute(PROTOCOL.sourcePort, u16(sport)),
    attribute(PROTOCOL.destinationPort, u16(dport)),
  ]);
  return {
    family: from.length === 4 ? AF_INET : AF_INET6,
    bytes: Buffer.concat([attribute(TUPLE.ip | NESTED, ip), attribute(TUPLE.protocol | NESTED, protocol)]),
  };
}

/** Deletes flows of the namespace in which it is opened, one by one, as `conntrack -D` does. */
export class FlowForgetter implements Disposable {
  readonly #netlink = new NetlinkSocket(NETLINK_NETFILTER);

  /**
   * @param original the flow's tuple in the direction in which it was opened
   * @returns whether it was there
   */
  forget(original: Tuple): boolean {
    const { family, bytes } = tupleBytes(original);
    const payload = Buffer.concat([Buffer.from([family, 0, 0, 0]), attribute(CTA.original | NESTED, bytes)]);
    try {
      this.#netlink.request(MESSAGE.delete, 0, payload);
      return true;
    } catch (error) {
      if ((error as SystemCallError).errno === ENOENT) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]();
  }
}

/** Tells of every flow that begins or ends in this namespace, as `conntrack -E` does. */
export const flowChanges = (): NetlinkSocket =>
  new NetlinkSocket(NETLINK_NETFILTER, { groups: GROUPS, bufferBytes: EVENT_BUFFER_BYTES });

/**
 * Reads an event. Its time is the kernel's own where it gives one (the end of a flow, with nf_conntrack_timestamp), else
 * that of reading, seconds since the epoch.
 * @throws LabError BAD_EVIDENCE
 */
export function parseChange(message: NetlinkMessage, readAt: number): FlowEvent | undefined {
  if (message.type !== MESSAGE.new && message.type !== MESSAGE.delete) return undefined;
  const entry = parseEntry(message);
  if (!entry) return undefined;
  const { stoppedAt, ...flow } = entry;
  const ended = message.type === MESSAGE.delete;
  return {
    time: (ended ? stoppedAt : undefined) ?? readAt,
    event: ended ? 'DESTROY' : 'NEW',
    ...flow,
    deletedBy: ended ? flow.deletedBy : undefined,
    reason: ended ? reasonOf(flow) : undefined,
  };
}
