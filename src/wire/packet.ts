import { addressAt } from './address.ts';

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
  /** A subset of "SFRPA" in that order. */
  flags: string;
  seq: number;
  ack: number;
  window: number;
  /** Payload bytes. */
  length: number;
  ttl: number;
}

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
];

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

/**
 * Reads link, IP and TCP headers (RFC 791, 8200, 9293; SLL2: tcpdump.org/linktypes).
 * @returns undefined for anything that is not a whole TCP header
 */
export function parsePacket(
  data: Buffer,
  linkType: number,
): (Omit<Packet, 'n' | 'time' | 'host' | 'interface'> & { interfaceIndex: number }) | undefined {
  const link = linkHeader(data, linkType);
  if (!link) return undefined;
  const ip = link.offset;
  let tcp: number;
  let end: number;
  let src: string;
  let dst: string;
  let ttl: number;
  if (link.etherType === ETHERTYPE_IPV4) {
    if (data.length < ip + 20 || data[ip + 9] !== TCP) return undefined;
    tcp = ip + ((data[ip] as number) & 0x0f) * 4;
    end = ip + data.readUInt16BE(ip + 2);
    src = addressAt(data, ip + 12, 4);
    dst = addressAt(data, ip + 16, 4);
    ttl = data[ip + 8] as number;
  } else if (link.etherType === ETHERTYPE_IPV6) {
    if (data.length < ip + 40 || data[ip + 6] !== TCP) return undefined;
    tcp = ip + 40;
    end = tcp + data.readUInt16BE(ip + 4);
    src = addressAt(data, ip + 8, 16);
    dst = addressAt(data, ip + 24, 16);
    ttl = data[ip + 7] as number;
  } else return undefined;
  if (data.length < tcp + 20) return undefined;
  const bits = data[tcp + 13] as number;
  return {
    outgoing: link.outgoing,
    interfaceIndex: link.interfaceIndex,
    src,
    dst,
    ttl,
    sport: data.readUInt16BE(tcp),
    dport: data.readUInt16BE(tcp + 2),
    seq: data.readUInt32BE(tcp + 4),
    ack: data.readUInt32BE(tcp + 8),
    flags: FLAG_LETTERS.filter(([bit]) => bits & bit)
      .map(([, letter]) => letter)
      .join(''),
    window: data.readUInt16BE(tcp + 14),
    length: Math.max(0, end - tcp - ((data[tcp + 12] as number) >> 4) * 4),
  };
}

/** Distance from `from` to `to` in sequence space, signed (RFC 9293, 3.4: arithmetic modulo 2^32). */
export const seqDelta = (from: number, to: number): number => (to - from) | 0;

/** Sequence space a segment takes: its payload, and one for SYN and FIN each. */
export const seqLength = (packet: Pick<Packet, 'length' | 'flags'>): number =>
  packet.length + (packet.flags.includes('S') ? 1 : 0) + (packet.flags.includes('F') ? 1 : 0);
