import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resetPacket } from '../../services/balancer/reset-packet.ts';
import { LINKTYPE, parsePacket, seqDelta } from '../../src/evidence/packet.ts';

/** The one's complement sum over bytes that hold their own checksum is all ones (RFC 1071). */
function folds(bytes: Buffer): boolean {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += bytes.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}

const port = fc.integer({ min: 1, max: 65_535 });
const seq = fc.integer({ min: 0, max: 0xffff_ffff });

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
  it('anything that is no TCP segment is left out, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...Object.values(LINKTYPE)), (bytes, linkType) => {
        parsePacket(Buffer.from(bytes), linkType);
      }),
    );
  });
  it('sequence numbers wrap', () => {
    expect(seqDelta(0xffff_fff0, 0x10)).toBe(0x20);
    expect(seqDelta(0x10, 0xffff_fff0)).toBe(-0x20);
  });
});
