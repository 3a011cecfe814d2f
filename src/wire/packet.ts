import { addressAt } from './address.ts';
import { parseTcpOptions, type TcpOptions } from './tcp-options.ts';

/**
 * Whether a segment's checksum is that of its bytes (RFC 9293, 3.1). `partial`: it is the sum of the pseudo header alone, which
 * Linux leaves in a packet that a network card would finish, and that a virtual wire never does (CHECKSUM_PARTIAL). Undefined
 * where the capture does not hold what it is of: a segment that was cut, a fragment, one under way by source routing.
 */
export type Checksum = 'ok' | 'partial' | 'wrong' | undefined;

/** One captured TCP segment, as one host saw it on one interface. */
export interface Packet {
  /** Number in capture.pcapng, from 1, as Wireshark counts. 0 until merged. */
  n: number;
  /** Seconds since the epoch, on the lab's one clock. */
  time: number;
  host: string;
  interface: string;
  outgoing: boolean;
  src: string;
  sport: number;
  dst: string;
  dport: number;
  /** A subset of "SFRPAUEC" in that order: SYN, FIN, RST, PSH, ACK, URG, ECE, CWR. */
  flags: string;
  seq: number;
  ack: number;
  /** As the header has it, before any window scale. */
  window: number;
  /** Bytes of the TCP header: its payload begins so far from its beginning. */
  dataOffset: number;
  options: TcpOptions;
  checksum: Checksum;
  /** Payload bytes. */
  length: number;
  ttl: number;
}

/** What a frame itself tells of a packet. */
export type Header = Omit<Packet, 'n' | 'time' | 'host' | 'interface'> & {
  /** 0 where the link type has no interface index. */
  interfaceIndex: number;
  /** The flags as their byte has them, by which FLAGS has their letters. */
  flagBits: number;
};

export const LINKTYPE = { ethernet: 1, raw: 101, sll: 113, sll2: 276 } as const;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const TCP = 6;
const PACKET_OUTGOING = 4;
const FLAG_LETTERS: readonly [number, string][] = [
  [0x02, 'S'],
  [0x01, 'F'],
  [0x04, 'R'],
  [0x08, 'P'],
  [0x10, 'A'],
  [0x20, 'U'],
  [0x40, 'E'],
  [0x80, 'C'],
];
/** By the byte that holds them. */
export const FLAGS: readonly string[] = Array.from({ length: 256 }, (_, bits) =>
  FLAG_LETTERS.filter(([bit]) => bits & bit)
    .map(([, letter]) => letter)
    .join(''),
);

const BITS = new Map(FLAGS.map((letters, bits) => [letters, bits]));

/** The byte that holds them. */
export const flagBits = (flags: string): number => BITS.get(flags) ?? 0;

const MOST_EXTENSIONS = 16;
const EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 } as const;
/** Of IPv4: loose and strict source routing. */
const SOURCE_ROUTES: readonly number[] = [131, 137];

interface LinkHeader {
  etherType: number;
  offset: number;
  /** 0 where the link type has no interface index. */
  interfaceIndex: number;
  outgoing: boolean;
}

function linkHeader(data: Buffer, linkType: number): LinkHeader | undefined {
  switch (linkType) {
    case LINKTYPE.ethernet:
      return data.length < 14
        ? undefined
        : { etherType: data.readUInt16BE(12), offset: 14, interfaceIndex: 0, outgoing: false };
    case LINKTYPE.sll:
      return data.length < 16
        ? undefined
        : {
            etherType: data.readUInt16BE(14),
            offset: 16,
            interfaceIndex: 0,
            outgoing: data.readUInt16BE(0) === PACKET_OUTGOING,
          };
    case LINKTYPE.sll2:
      return data.length < 20
        ? undefined
        : {
            etherType: data.readUInt16BE(0),
            offset: 20,
            interfaceIndex: data.readUInt32BE(4),
            outgoing: data.readUInt8(10) === PACKET_OUTGOING,
          };
    case LINKTYPE.raw:
      return {
        etherType: (data[0] ?? 0) >> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4,
        offset: 0,
        interfaceIndex: 0,
        outgoing: false,
      };
    default:
      return undefined;
  }
}

export const interfaceIndexOf = (data: Buffer, linkType: number): number =>
  linkHeader(data, linkType)?.interfaceIndex ?? 0;

/** Where TCP begins and ends in a frame. */
interface Inner {
  tcp: number;
  /** The end of the IP packet, by its own account. */
  end: number;
  src: string;
  dst: string;
  ttl: number;
  /** Where the addresses are, and how many bytes they take. */
  addresses: number;
  size: 4 | 16;
  /** Whether the checksum can be told from this packet's bytes: not from a fragment's, not while it is routed by its source. */
  whole: boolean;
}

/** An IPv4 header (RFC 791); undefined for what holds no TCP header. */
function insideIpv4(data: Buffer, ip: number): Inner | undefined {
  if (data.length < ip + 20 || data[ip + 9] !== TCP) return undefined;
  const size = ((data[ip] as number) & 0x0f) * 4;
  const fragment = data.readUInt16BE(ip + 6);
  // A later fragment begins in the middle of the segment.
  if (size < 20 || (fragment & 0x1fff) !== 0) return undefined;
  return {
    tcp: ip + size,
    end: ip + data.readUInt16BE(ip + 2),
    src: addressAt(data, ip + 12, 4),
    dst: addressAt(data, ip + 16, 4),
    ttl: data[ip + 8] as number,
    addresses: ip + 12,
    size: 4,
    whole: (fragment & 0x2000) === 0 && !(size > 20 && isSourceRouted(data, ip + 20, ip + size)),
  };
}

function isSourceRouted(data: Buffer, from: number, to: number): boolean {
  for (let at = from; at + 1 < to && data[at] !== 0; ) {
    if (SOURCE_ROUTES.includes(data[at] as number)) return true;
    at += data[at] === 1 ? 1 : Math.max(2, data[at + 1] as number);
  }
  return false;
}

/** An IPv6 header and the extension headers before TCP (RFC 8200, 4; RFC 4302 for AH); undefined for what holds no TCP header. */
function insideIpv6(data: Buffer, ip: number): Inner | undefined {
  if (data.length < ip + 40) return undefined;
  let next = data[ip + 6] as number;
  let at = ip + 40;
  let whole = true;
  for (let seen = 0; next !== TCP; seen++) {
    if (seen === MOST_EXTENSIONS || data.length < at + 8) return undefined;
    const units = data[at + 1] as number;
    const here = at;
    switch (next) {
      case EXTENSION.hopByHop:
      case EXTENSION.destination:
        at += (units + 1) * 8;
        break;
      case EXTENSION.routing:
        // While segments are left the destination in the header is not the one of the checksum.
        if (data[at + 3] !== 0) whole = false;
        at += (units + 1) * 8;
        break;
      case EXTENSION.fragment: {
        const fragment = data.readUInt16BE(at + 2);
        if (fragment >> 3 !== 0) return undefined;
        if (fragment & 1) whole = false;
        at += 8;
        break;
      }
      case EXTENSION.authentication:
        at += (units + 2) * 4;
        break;
      default:
        return undefined;
    }
    next = data[here] as number;
  }
  return {
    tcp: at,
    end: ip + 40 + data.readUInt16BE(ip + 4),
    src: addressAt(data, ip + 8, 16),
    dst: addressAt(data, ip + 24, 16),
    ttl: data[ip + 7] as number,
    addresses: ip + 8,
    size: 16,
    whole,
  };
}

/** The sum of 16-bit words, of an odd last byte as if a zero followed. */
function sumOf(data: Buffer, from: number, to: number): number {
  let sum = 0;
  let at = from;
  for (; at + 1 < to; at += 2) sum += ((data[at] as number) << 8) | (data[at + 1] as number);
  return at < to ? sum + ((data[at] as number) << 8) : sum;
}

/** One's complement arithmetic (RFC 1071) is arithmetic modulo 65535. */
function checksumOf(data: Buffer, { tcp, end, addresses, size, whole }: Inner): Checksum {
  if (!whole || end > data.length || end < tcp + 20) return undefined;
  const pseudo = sumOf(data, addresses, addresses + 2 * size) + TCP + (end - tcp);
  if ((pseudo + sumOf(data, tcp, end)) % 0xffff === 0) return 'ok';
  return pseudo % 0xffff === data.readUInt16BE(tcp + 16) % 0xffff ? 'partial' : 'wrong';
}

/**
 * Reads link, IP and TCP headers (RFC 791, 8200, 9293; SLL2: tcpdump.org/linktypes).
 * @returns undefined for anything that is not a whole TCP header. Its options may have been cut
 */
export function parsePacket(data: Buffer, linkType: number): Header | undefined {
  const link = linkHeader(data, linkType);
  if (!link) return undefined;
  const inner =
    link.etherType === ETHERTYPE_IPV4
      ? insideIpv4(data, link.offset)
      : link.etherType === ETHERTYPE_IPV6
        ? insideIpv6(data, link.offset)
        : undefined;
  if (!inner) return undefined;
  const { tcp, end } = inner;
  if (data.length < tcp + 20) return undefined;
  const dataOffset = ((data[tcp + 12] as number) >> 4) * 4;
  if (dataOffset < 20) return undefined;
  return {
    outgoing: link.outgoing,
    interfaceIndex: link.interfaceIndex,
    src: inner.src,
    dst: inner.dst,
    ttl: inner.ttl,
    sport: data.readUInt16BE(tcp),
    dport: data.readUInt16BE(tcp + 2),
    seq: data.readUInt32BE(tcp + 4),
    ack: data.readUInt32BE(tcp + 8),
    flagBits: data[tcp + 13] as number,
    flags: FLAGS[data[tcp + 13] as number] as string,
    window: data.readUInt16BE(tcp + 14),
    dataOffset,
    options: parseTcpOptions(data, tcp + 20, Math.min(tcp + dataOffset, end, data.length)),
    checksum: checksumOf(data, inner),
    length: Math.max(0, end - tcp - dataOffset),
  };
}

/** Distance from `from` to `to` in sequence space, signed (RFC 9293, 3.4: arithmetic modulo 2^32). */
export const seqDelta = (from: number, to: number): number => (to - from) | 0;

/** Sequence space a segment takes: its payload, and one for SYN and FIN each. */
export const seqLength = (packet: Pick<Packet, 'length' | 'flags'>): number =>
  packet.length + (packet.flags.includes('S') ? 1 : 0) + (packet.flags.includes('F') ? 1 : 0);
