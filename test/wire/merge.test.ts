import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeCaptures } from '../../src/wire/merge.ts';
import { LINKTYPE } from '../../src/wire/packet.ts';
import type { CapturedFrame } from '../../src/wire/pcapng.ts';
import { resetPacket } from '../../src/wire/reset-packet.ts';

/** A segment as a cooked capture holds it: SLL2 header (type, index, direction), then the packet. */
function frame(host: string, way: 'out' | 'in', seq: number, nanoseconds: bigint): CapturedFrame {
  const link = Buffer.alloc(20);
  link.writeUInt16BE(0x0800, 0);
  link[10] = way === 'out' ? 4 : 0;
  const data = Buffer.concat([link, resetPacket({ src: '10.0.0.1', sport: 1, dst: '10.0.0.2', dport: 2, seq })]);
  return {
    host,
    interface: 'eth0',
    linkType: LINKTYPE.sll2,
    nanoseconds,
    time: Number(nanoseconds) / 1e9,
    data,
    originalLength: data.length,
  };
}
const names = (frames: readonly CapturedFrame[]) =>
  frames.map(({ host, data }) => `${host}${data.readUInt32BE(20 + 24)}`);

describe('captures are merged', () => {
  it('in the order of time', () =>
    expect(
      names(
        mergeCaptures([
          [frame('a', 'out', 1, 10n), frame('a', 'out', 2, 30n)],
          [frame('b', 'in', 1, 20n), frame('b', 'in', 2, 40n)],
        ]),
      ),
    ).toEqual(['a1', 'b1', 'a2', 'b2']));

  it('in the order of cause and effect where the clock stands still, whichever capture comes first', () => {
    const sent = [frame('a', 'out', 1, 5n), frame('a', 'out', 2, 5n)];
    const received = [frame('b', 'in', 1, 5n), frame('b', 'in', 2, 5n)];
    for (const captures of [
      [sent, received],
      [received, sent],
    ]) {
      const order = names(mergeCaptures(captures));
      for (const number of [1, 2]) expect(order.indexOf(`a${number}`)).toBeLessThan(order.indexOf(`b${number}`));
    }
  });

  it('a segment that nobody was seen to send is kept in its place', () =>
    expect(names(mergeCaptures([[frame('b', 'in', 7, 5n)], [frame('a', 'out', 1, 5n)]]))).toEqual(['a1', 'b7']));

  it('whole: nothing is lost or doubled, and every host keeps its order', () => {
    const capture = (host: string) =>
      fc
        .array(fc.tuple(fc.constantFrom('in', 'out') as fc.Arbitrary<'in' | 'out'>, fc.nat(3), fc.nat(5)))
        .map((rows) => {
          let now = 0n;
          return rows.map(([way, seq, step]) => {
            now += BigInt(step);
            return frame(host, way, seq, now);
          });
        });
    fc.assert(
      fc.property(capture('a'), capture('b'), (a, b) => {
        const merged = mergeCaptures([a, b]);
        expect(merged.filter(({ host }) => host === 'a')).toEqual(a);
        expect(merged.filter(({ host }) => host === 'b')).toEqual(b);
      }),
    );
  });
});
