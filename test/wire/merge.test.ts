import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wayKey } from '../../src/wire/endpoint.ts';
import { mergeCaptures } from '../../src/wire/merge.ts';
import { LINKTYPE, parsePacket } from '../../src/wire/packet.ts';
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

/** The same by looking at all heads for every frame, as one would write it down first. */
function mergedByLooking(captures: readonly (readonly CapturedFrame[])[]): CapturedFrame[] {
  const rest = captures.map((capture) => [...capture]);
  const underWay = new Map<string, number>();
  const wireOf = (each: CapturedFrame) => {
    const header = parsePacket(each.data, each.linkType);
    return (
      header && {
        out: header.outgoing,
        wire: [wayKey(header), header.flags, header.seq, header.ack, header.length].join(),
      }
    );
  };
  const merged: CapturedFrame[] = [];
  for (;;) {
    const heads = rest.flatMap((capture) => (capture[0] ? [{ capture, each: capture[0] }] : []));
    const [earliest] = heads.toSorted((a, b) => Number(a.each.nanoseconds - b.each.nanoseconds));
    if (!earliest) return merged;
    const atOnce = heads.filter(({ each }) => each.nanoseconds === earliest.each.nanoseconds);
    const explained = atOnce.find(({ each }) => {
      const wire = wireOf(each);
      return !wire || wire.out || (underWay.get(wire.wire) ?? 0) > 0;
    });
    const { capture, each } = explained ?? earliest;
    capture.shift();
    merged.push(each);
    const wire = wireOf(each);
    if (wire) underWay.set(wire.wire, (underWay.get(wire.wire) ?? 0) + (wire.out ? 1 : -1));
  }
}

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

  it('in the order of its way through a router, which changes nothing but the time to live', () => {
    const hop = (host: string, way: 'out' | 'in', ttl: number): CapturedFrame => {
      const each = frame(host, way, 1, 5n);
      each.data[20 + 8] = ttl;
      return each;
    };
    const [client, server] = [[hop('client', 'out', 64)], [hop('server', 'in', 63)]];
    const router = [hop('router', 'in', 64), hop('router', 'out', 63)];
    for (const captures of [
      [client, server, router],
      [server, router, client],
    ])
      expect(mergeCaptures(captures).map(({ host }) => host)).toEqual(['client', 'router', 'router', 'server']);
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

  it('in the one order that follows from time, cause and effect, and the order of the hosts', () => {
    const capture = (host: string) =>
      fc
        .array(fc.tuple(fc.constantFrom('in', 'out', 'noise'), fc.nat(3), fc.constantFrom(0, 0, 0, 1, 2, -1)), {
          maxLength: 25,
        })
        .map((rows) => {
          let now = 10n;
          return rows.map(([way, seq, step]) => {
            now += BigInt(step);
            const each = frame(host, way === 'out' ? 'out' : 'in', seq, now);
            return way === 'noise' ? { ...each, data: each.data.subarray(0, 30) } : each;
          });
        });
    fc.assert(
      fc.property(
        fc.nat(6).chain((hosts) => fc.tuple(...Array.from({ length: hosts }, (_, host) => capture(`${host}-`)))),
        (captures) => {
          const merged = mergeCaptures(captures);
          const looked = mergedByLooking(captures);
          expect(merged.length).toBe(looked.length);
          expect(merged.findIndex((each, index) => each !== looked[index])).toBe(-1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
