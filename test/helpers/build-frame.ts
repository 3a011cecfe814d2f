// Frames from what they shall say, written from the RFCs and not with the code that reads them.
import fc from 'fast-check';
import type { TcpOptions } from '../../src/wire/tcp-options.ts';

export interface Wanted {
  version: 4 | 6;
  source: Uint8Array;
  destination: Uint8Array;
  sport: number;
  dport: number;
  seq: number;
  ack: number;
  /** As the header has them: from FIN (1) to CWR (128). */
  bits: number;
  window: number;
  options: TcpOptions;
  payload: Uint8Array;
  checksum: 'ok' | 'partial' | 'wrong';
  /** Extension headers of IPv6, by protocol number, each of so many units beyond its first eight bytes. */
  extensions: { kind: number; units: number }[];
  /** Bytes of NOPs in the IPv4 header: a multiple of four. */
  ipOptions: number;
}

const words = (...numbers: number[]) => {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, index * 4);
  return bytes;
};

function optionBytes({ mss, windowScale, sackPermitted, sack, timestamps, others = [] }: TcpOptions): Buffer {
  const parts: Buffer[] = [];
  if (mss !== undefined) parts.push(Buffer.from([2, 4, mss >> 8, mss & 0xff]));
  if (windowScale !== undefined) parts.push(Buffer.from([1, 3, 3, windowScale]));
  if (sackPermitted) parts.push(Buffer.from([4, 2]));
  if (timestamps) parts.push(Buffer.from([8, 10]), words(timestamps.value, timestamps.echo));
  if (sack)
    parts.push(Buffer.from([5, 2 + 8 * sack.length]), words(...sack.flatMap(({ left, right }) => [left, right])));
  for (const { kind, length } of others) parts.push(Buffer.from([kind, length]), Buffer.alloc(length - 2));
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function folded(...parts: Buffer[]): number {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] as number) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** A frame without a link header (LINKTYPE_RAW). */
export function buildFrame(wanted: Wanted): Buffer {
  const options = optionBytes(wanted.options);
  const tcp = Buffer.concat([Buffer.alloc(20), options, wanted.payload]);
  tcp.writeUInt16BE(wanted.sport, 0);
  tcp.writeUInt16BE(wanted.dport, 2);
  tcp.writeUInt32BE(wanted.seq, 4);
  tcp.writeUInt32BE(wanted.ack, 8);
  tcp[12] = ((20 + options.length) / 4) << 4;
  tcp[13] = wanted.bits;
  tcp.writeUInt16BE(wanted.window, 14);
  const addresses = Buffer.concat([wanted.source, wanted.destination]);
  const pseudo = Buffer.concat([addresses, words(6, tcp.length)]);
  const right = 0xffff - folded(pseudo, tcp);
  const partial = folded(pseudo);
  const taken = new Set([right, partial, 0xffff, 0]);
  let other = 1;
  while (taken.has(other)) other++;
  tcp.writeUInt16BE({ ok: right, partial, wrong: other }[wanted.checksum], 16);
  if (wanted.version === 4) {
    const ip = Buffer.concat([Buffer.alloc(12), addresses, Buffer.alloc(wanted.ipOptions, 1)]);
    ip[0] = 0x40 | (ip.length / 4);
    ip.writeUInt16BE(ip.length + tcp.length, 2);
    ip[8] = 64;
    ip[9] = 6;
    ip.writeUInt16BE(0xffff - folded(ip), 10);
    return Buffer.concat([ip, tcp]);
  }
  const chain = wanted.extensions.map(({ kind, units }, index) => {
    const header = Buffer.alloc(kind === 44 ? 8 : 8 * (units + 1));
    header[0] = wanted.extensions[index + 1]?.kind ?? 6;
    if (kind !== 44) header[1] = units;
    // Padding over all of it (PadN); in a routing header a type that nobody has, with nothing left to visit.
    if (kind === 0 || kind === 60) header.set([1, header.length - 4], 2);
    if (kind === 43) header[2] = 253;
    return header;
  });
  const rest = Buffer.concat([...chain, tcp]);
  const ip = Buffer.alloc(8);
  ip[0] = 0x60;
  ip.writeUInt16BE(rest.length, 4);
  ip[6] = wanted.extensions[0]?.kind ?? 6;
  ip[7] = 64;
  return Buffer.concat([ip, addresses, rest]);
}

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const given = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Options of at most 40 bytes, without those that are not there. */
const options: fc.Arbitrary<TcpOptions> = fc
  .record({
    mss: given(u16),
    windowScale: given(fc.nat(14)),
    sackPermitted: given(fc.constant(true as const)),
    timestamps: given(fc.record({ value: u32, echo: u32 })),
    sack: given(fc.array(fc.record({ left: u32, right: u32 }), { minLength: 1, maxLength: 2 })),
    others: given(
      fc.array(fc.record({ kind: fc.constantFrom(28, 34, 253), length: fc.constantFrom(4, 6) }), {
        minLength: 1,
        maxLength: 1,
      }),
    ),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as TcpOptions)
  .filter((each) => optionBytes(each).length <= 40);

const extensions = fc
  .subarray([0, 60, 43, 44], { minLength: 0 })
  .chain((kinds) => fc.tuple(...kinds.map((kind) => fc.record({ kind: fc.constant(kind), units: fc.nat(2) }))));

export const wanted: fc.Arbitrary<Wanted> = fc
  .constantFrom(4 as const, 6 as const)
  .chain((version) => {
    const size = version === 4 ? 4 : 16;
    const address = fc.uint8Array({ minLength: size, maxLength: size });
    return fc.record({
      version: fc.constant(version),
      source: address,
      destination: address,
      sport: u16,
      dport: u16,
      seq: u32,
      ack: u32,
      bits: fc.nat(0xff),
      window: u16,
      options,
      payload: fc.uint8Array({ maxLength: 40 }),
      checksum: fc.constantFrom('ok' as const, 'partial' as const, 'wrong' as const),
      extensions,
      ipOptions: fc.constantFrom(0, 0, 4, 12, 40),
    });
  })
  // A checksum that is both the right one and the pseudo header's alone is the right one.
  .filter((each) => each.checksum !== 'partial' || !buildFrame(each).equals(buildFrame({ ...each, checksum: 'ok' })));
