import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINKTYPE, parsePacket, seqDelta } from '../../src/wire/packet.ts';
import { resetPacket } from '../../src/wire/reset-packet.ts';
import { Mutator } from '../helpers/mutate-bytes.ts';

/** The one's complement sum over bytes that hold their own checksum is all ones (RFC 1071). */
function folds(bytes: Buffer): boolean {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += bytes.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}

const port = fc.integer({ min: 1, max: 65_535 });
const seq = fc.integer({ min: 0, max: 0xffff_ffff });

/** A segment with five bytes of payload in a frame of each kind. */
function frameOf(link: keyof typeof LINKTYPE, version: 4 | 6): Buffer {
  const tcp = Buffer.alloc(25);
  tcp.writeUInt16BE(40_006, 0);
  tcp.writeUInt16BE(6379, 2);
  tcp.writeUInt32BE(7, 4);
  tcp.writeUInt32BE(9, 8);
  tcp.writeUInt16BE(0x5018, 12);
  tcp.writeUInt16BE(512, 14);
  const ip = Buffer.alloc(version === 4 ? 20 : 40);
  if (version === 4) {
    ip[0] = 0x45;
    ip.writeUInt16BE(ip.length + tcp.length, 2);
    ip[8] = 64;
    ip[9] = 6;
    ip.set([198, 18, 10, 2, 198, 18, 0, 1], 12);
  } else {
    ip[0] = 0x60;
    ip.writeUInt16BE(tcp.length, 4);
    ip[6] = 6;
    ip[7] = 64;
    ip.set([0x20, 0x01, 0x0d, 0xb8], 8);
    ip.set([0x20, 0x01, 0x0d, 0xb8], 24);
  }
  const header = Buffer.alloc({ ethernet: 14, raw: 0, sll: 16, sll2: 20 }[link]);
  const at = { ethernet: 12, raw: undefined, sll: 14, sll2: 0 }[link];
  if (at !== undefined) header.writeUInt16BE(version === 4 ? 0x0800 : 0x86dd, at);
  return Buffer.concat([header, ip, tcp]);
}

const FRAMES = (Object.keys(LINKTYPE) as (keyof typeof LINKTYPE)[]).flatMap((link) =>
  ([4, 6] as const).map((version) => ({ link, version, linkType: LINKTYPE[link], frame: frameOf(link, version) })),
);

describe('TCP headers', () => {
  it('a reset that the lab makes is read back as it was meant, with right checksums', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), port, port, seq, (src, dst, sport, dport, number) => {
        const bytes = resetPacket({ src, sport, dst, dport, seq: number });
        expect(parsePacket(bytes, LINKTYPE.raw)).toMatchObject({
          src,
          dst,
          sport,
          dport,
          seq: number,
          flags: 'R',
          length: 0,
        });
        const pseudo = Buffer.concat([bytes.subarray(12, 20), Buffer.from([0, 6, 0, 20]), bytes.subarray(20)]);
        expect([folds(bytes.subarray(0, 20)), folds(pseudo)]).toEqual([true, true]);
      }),
    );
  });
  it.each(FRAMES)('a segment on $link over IPv$version is read', ({ frame, linkType }) => {
    expect(parsePacket(frame, linkType)).toMatchObject({ sport: 40_006, dport: 6379, seq: 7, flags: 'PA', length: 5 });
  });
  it.each(FRAMES)(
    'whatever becomes of a frame on $link over IPv$version, it is a segment or left out',
    ({ frame, linkType }) => {
      const outcomes = new Set<string>();
      for (let seed = 0; seed < 1500; seed++) {
        const bytes = new Mutator(seed).bytes(frame);
        const packet = parsePacket(bytes, linkType);
        outcomes.add(packet === undefined ? 'left out' : 'a segment');
        if (packet === undefined) continue;
        expect(isIP(packet.src)).toBeGreaterThan(0);
        expect(isIP(packet.dst)).toBeGreaterThan(0);
        expect(packet.flags).toMatch(/^S?F?R?P?A?$/);
        for (const [value, most] of [
          [packet.sport, 0xffff],
          [packet.dport, 0xffff],
          [packet.seq, 0xffff_ffff],
          [packet.ack, 0xffff_ffff],
          [packet.window, 0xffff],
          [packet.length, 0xffff],
          [packet.ttl, 0xff],
          [packet.interfaceIndex, 0xffff_ffff],
        ] as const)
          expect(Number.isInteger(value) && value >= 0 && value <= most).toBe(true);
      }
      expect([...outcomes].sort()).toEqual(['a segment', 'left out']);
    },
  );
  it.each(FRAMES)('a frame on $link over IPv$version that is cut in its headers is left out', ({ frame, linkType }) => {
    for (let length = 0; length < frame.length - 5; length++)
      expect(parsePacket(frame.subarray(0, length), linkType)).toBeUndefined();
  });
  it('sequence numbers wrap', () => {
    expect(seqDelta(0xffff_fff0, 0x10)).toBe(0x20);
    expect(seqDelta(0x10, 0xffff_fff0)).toBe(-0x20);
  });
});
