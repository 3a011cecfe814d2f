import { describe, expect, it } from 'vitest';
import { findJourneys } from '../../src/wire/journeys.ts';
import type { Packet } from '../../src/wire/packet.ts';
import { flagText, nameSegments } from '../../src/wire/segments.ts';

const A = { src: '10.0.0.2', sport: 4000, dst: '10.0.0.1', dport: 80 };
const B = { src: '10.0.0.1', sport: 80, dst: '10.0.0.2', dport: 4000 };
let clock = 0;
function packet(
  way: 'out' | 'in',
  flags: string,
  seq: number,
  ack: number,
  length = 0,
  more: Partial<Packet> = {},
): Packet {
  clock += 0.001;
  return {
    n: 0,
    time: clock,
    host: 'pool',
    interface: 'eth0',
    outgoing: way === 'out',
    ...(way === 'out' ? A : B),
    flags,
    seq,
    ack,
    window: 1,
    length,
    ttl: 64,
    dataOffset: 32,
    options: {},
    checksum: 'ok',
    ...more,
  };
}

describe('segments are named as a reader of captures would name them', () => {
  it('a handshake, a request, its retransmission, keepalive and the end', () => {
    const named = nameSegments([
      packet('out', 'S', 1000, 0),
      packet('in', 'SA', 5000, 1001),
      packet('out', 'A', 1001, 5001),
      packet('out', 'PA', 1001, 5001, 10),
      packet('out', 'PA', 1001, 5001, 10),
      packet('in', 'A', 5001, 1011),
      packet('out', 'A', 1010, 5001),
      packet('in', 'A', 5001, 1011),
      packet('in', 'A', 5001, 1011),
      packet('out', 'FA', 1011, 5001),
      packet('out', 'FA', 1011, 5001),
      packet('in', 'R', 5001, 0),
    ]);
    expect(named.map(({ name }) => name)).toEqual([
      'handshake',
      'handshake',
      'ack',
      'data',
      'retransmission',
      'ack',
      'keepalive probe',
      'keepalive answer',
      'duplicate ACK',
      'fin',
      'retransmission',
      'reset',
    ]);
    expect(named[3]).toMatchObject({ relativeSeq: 1, relativeAck: 1, anchored: true });
  });

  it('numbers are relative across the end of the sequence space', () => {
    const named = nameSegments([
      packet('out', 'S', 0xffff_fffe, 0),
      packet('in', 'SA', 7, 0xffff_ffff),
      packet('out', 'PA', 0xffff_ffff, 8, 4),
      packet('out', 'PA', 3, 8, 4),
    ]);
    expect(named.map(({ relativeSeq }) => relativeSeq)).toEqual([0, 0, 1, 5]);
    expect(named.at(-1)?.name).toBe('data');
  });

  it('a new connection on the same ports starts anew', () => {
    const named = nameSegments([packet('out', 'S', 100, 0), packet('out', 'PA', 101, 1, 5), packet('out', 'S', 50, 0)]);
    expect(named.at(-1)).toMatchObject({ name: 'handshake', relativeSeq: 0 });
  });

  it('flags read as people write them', () =>
    expect(['S', 'SA', 'FPA', 'R', ''].map(flagText)).toEqual(['SYN', 'SYN,ACK', 'FIN,PSH,ACK', 'RST', '(none)']));
});

describe('journeys join what the capture points saw', () => {
  const at = (host: string, way: 'out' | 'in', more: Partial<Packet> = {}) =>
    packet(way, 'PA', 1, 1, 5, { host, ...A, outgoing: way === 'out', ...more });
  const translated = { dst: '10.1.0.2', dport: 80 };
  const box = (host: string) => host === 'box';

  it('through a translating middlebox, to the broker it was led to', () => {
    const [journey, ...more] = findJourneys(
      nameSegments([at('pool', 'out'), at('box', 'in'), at('box', 'out', translated), at('mq-1', 'in', translated)]),
      box,
    );
    expect(more).toEqual([]);
    expect(journey).toMatchObject({ from: 'pool', to: 'mq-1', lost: false });
  });
  it('a packet that ends in a silent middlebox is lost there', () => {
    expect(findJourneys(nameSegments([at('pool', 'out'), at('box', 'in')]), box)).toMatchObject([
      { to: 'box', lost: true },
    ]);
  });
  it('a packet that ends in a middlebox which answers for itself is not lost', () => {
    const answer = packet('out', 'R', 1, 0, 0, { host: 'box', ...B });
    expect(findJourneys(nameSegments([at('pool', 'out'), at('box', 'in'), answer]), box)[0]).toMatchObject({
      to: 'box',
      lost: false,
    });
  });
  it('the same packet once more is a journey of its own', () => {
    const journeys = findJourneys(
      nameSegments([at('pool', 'out'), at('box', 'in'), at('pool', 'out'), at('box', 'in')]),
      box,
    );
    expect(journeys.map(({ hops }) => hops.length)).toEqual([2, 2]);
  });
  it('a packet that the kernel cut in two on its way is not lost', () => {
    const whole = at('pool', 'out', { length: 10 });
    const halves = [at('mq-1', 'in', { length: 5 }), at('mq-1', 'in', { seq: 6, length: 5 })];
    expect(findJourneys(nameSegments([whole, ...halves]), box)[0]?.lost).toBe(false);
  });

  it.each<[string, (index: number) => Partial<Packet>]>([
    ['with sequence numbers of their own', (index) => ({ sport: index, seq: index * 7 })],
    ['all alike', () => ({})],
    ['all alike, of many connections', (index) => ({ sport: index })],
    ['all alike, without payload', (index) => ({ sport: index, length: 0, flags: 'A' })],
    ['of one connection, one after the other', (index) => ({ seq: 1 + index * 5 })],
  ])('in steps that grow with the segments and not with their square: %s', (_, more) => {
    const stepsFor = (count: number) => {
      const sent = nameSegments(
        Array.from({ length: count }, (__, index) => [
          at('pool', 'out', more(index)),
          at('mq-1', 'in', more(index)),
        ]).flat(),
      );
      let steps = 0;
      // Late or lost: every other one is heard of by nobody.
      const seen = sent
        .filter((segment, index) => segment.outgoing || index % 4 === 1)
        .map((segment) => {
          const { time } = segment;
          return Object.defineProperty(segment, 'time', {
            get() {
              steps++;
              return time;
            },
          });
        });
      findJourneys(seen, box);
      return steps;
    };
    // Four times as many, and a logarithm; by the square it would be sixteen times.
    expect(stepsFor(4000)).toBeLessThan(6 * stepsFor(1000));
  });
});
