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
      'SYN',
      'SYN-ACK',
      'handshake ACK',
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

  const opened = () => [
    packet('out', 'S', 1000, 0),
    packet('in', 'SA', 5000, 1001),
    packet('out', 'A', 1001, 5001),
    packet('out', 'PA', 1001, 5001, 10),
    packet('in', 'A', 5001, 1011),
  ];
  /** What the segments after those of an open connection are called. */
  const namesAfter = (...more: Packet[]) =>
    nameSegments([...opened(), ...more])
      .slice(5)
      .map(({ name }) => name);
  const later = (seconds: number, each: Packet): Packet => {
    clock += seconds;
    return { ...each, time: each.time + seconds };
  };

  it('congestion marks do not hide a keepalive probe', () =>
    expect(namesAfter(packet('out', 'AE', 1010, 5001), packet('in', 'AC', 5001, 1011))).toEqual([
      'keepalive probe',
      'keepalive answer',
    ]));
  it('an ACK that says the same with more room is a window update', () =>
    expect(
      namesAfter(
        packet('in', 'A', 5001, 1011, 0, { window: 9 }),
        packet('in', 'A', 5001, 1011, 0, { window: 9 }),
        packet('in', 'A', 5001, 1011, 0, { window: 3 }),
        packet('in', 'A', 5001, 1011, 0, { window: 5, options: { sack: [{ left: 1021, right: 1031 }] } }),
      ),
    ).toEqual(['window update', 'duplicate ACK', 'ack', 'duplicate ACK']));
  it('a probe of a window that was shut, by an old number or by the next byte, and its answer', () =>
    expect(
      namesAfter(
        packet('in', 'A', 5001, 1011, 0, { window: 0 }),
        packet('out', 'A', 1010, 5001),
        packet('in', 'A', 5001, 1011, 0, { window: 0 }),
        packet('out', 'A', 1011, 5001, 1),
        packet('in', 'A', 5001, 1011, 0, { window: 8 }),
        packet('out', 'PA', 1011, 5001, 5),
        packet('in', 'A', 5001, 1016),
        packet('out', 'A', 1015, 5001),
      ),
    ).toEqual([
      'ack',
      'zero-window probe',
      'zero-window answer',
      'zero-window probe',
      'zero-window answer',
      'data',
      'ack',
      'keepalive probe',
    ]));

  const flight = () => [0, 1, 2, 3, 4].map((index) => packet('out', 'PA', 1011 + index * 10, 5001, 10));
  const duplicates = (count: number) => Array.from({ length: count }, () => packet('in', 'A', 5001, 1011));
  it('what three duplicate ACKs ask for is a fast retransmission, and the next is none', () =>
    expect(
      namesAfter(
        ...flight(),
        ...duplicates(3),
        packet('out', 'PA', 1011, 5001, 10),
        later(0.3, packet('out', 'PA', 1011, 5001, 10)),
      ).slice(5),
    ).toEqual(['duplicate ACK', 'duplicate ACK', 'duplicate ACK', 'fast retransmission', 'retransmission']));
  it.each([
    ['two duplicate ACKs', () => duplicates(2), 0],
    ['the timer, long after three', () => duplicates(3), 0.3],
    ['the timer alone', () => [], 0.3],
  ])('a retransmission that %s made is none', (_, before, seconds) =>
    expect(namesAfter(...flight(), ...before(), later(seconds, packet('out', 'PA', 1011, 5001, 10))).at(-1)).toBe(
      'retransmission',
    ),
  );
  it('the last of several again, before the first, is a tail-loss probe; the one segment under way may be either', () => {
    expect(namesAfter(...flight(), later(0.1, packet('out', 'PA', 1051, 5001, 10))).at(-1)).toBe('tail-loss probe');
    expect(namesAfter(...flight(), ...duplicates(1), packet('out', 'PA', 1051, 5001, 10)).at(-1)).toBe(
      'retransmission',
    );
    expect(namesAfter(packet('out', 'PA', 1011, 5001, 10), packet('out', 'PA', 1011, 5001, 10)).at(-1)).toBe(
      'retransmission',
    );
    expect(
      namesAfter(...flight(), packet('out', 'PA', 1011, 5001, 10), packet('out', 'PA', 1051, 5001, 10)).slice(-2),
    ).toEqual(['retransmission', 'retransmission']);
  });
  it.each([
    ['a SYN', () => packet('out', 'S', 77_000, 0), 'SYN'],
    ['a RST next to the right number', () => packet('out', 'R', 1015, 0), 'reset'],
    ['an ACK of what was never sent', () => packet('out', 'A', 1011, 9001), 'ack'],
  ])('the ACK that answers %s in the middle of a connection is a challenge', (_, provocation, name) =>
    expect(namesAfter(provocation(), packet('in', 'A', 5001, 1011))).toEqual([name, 'challenge ACK']),
  );
  it('an ACK after a RST with the right number is no challenge', () =>
    expect(namesAfter(packet('out', 'R', 1011, 0), packet('in', 'A', 5001, 1011))).toEqual(['reset', 'duplicate ACK']));

  it.each<[string, string, () => Packet[]]>([
    ['refused', 'a closed port', () => [packet('out', 'S', 1000, 0), packet('in', 'RA', 0, 1001)]],
    [
      'no-socket',
      'one who does not know the connection',
      () => [packet('out', 'PA', 1, 8001, 5), packet('in', 'R', 8001, 0)],
    ],
    ['no-socket', 'one who is asked without an ACK', () => [packet('out', 'F', 1000, 0), packet('in', 'RA', 0, 1001)]],
    [
      'no-socket',
      'one who has forgotten it',
      () => [...opened(), packet('out', 'PA', 1011, 5001, 5), packet('in', 'R', 5001, 0)],
    ],
    ['abort', 'an end that had it', () => [...opened(), packet('in', 'RA', 5001, 1011)]],
    ['abort', 'an end that shook hands and left', () => [...opened().slice(0, 3), packet('out', 'RA', 1001, 5001)]],
    [
      'abort',
      'an end that was only shaken hands with',
      () => [...opened().slice(0, 3), packet('in', 'RA', 5001, 1001)],
    ],
    ['unknown', 'one who broke off a handshake', () => [...opened().slice(0, 2), packet('in', 'RA', 5001, 1001)]],
    ['abort', 'an end that spoke last', () => [...opened(), later(9, packet('out', 'RA', 1011, 5001))]],
    ['unknown', 'one who was not asked', () => [...opened(), later(9, packet('in', 'R', 5001, 0))]],
    ['unknown', 'one with a number of its own', () => [...opened(), packet('in', 'RA', 5999, 1011)]],
    ['unknown', 'one who guesses', () => [...opened(), packet('out', 'PA', 1011, 5001, 5), packet('in', 'R', 4999, 0)]],
    [
      'unknown',
      'one who wants another connection',
      () => [...opened(), packet('out', 'S', 77_000, 0), packet('in', 'A', 5001, 1011), packet('out', 'R', 1011, 0)],
    ],
  ])('a RST is %s where it comes from %s', (reason, _, packets) => {
    const named = nameSegments(packets());
    expect(named.at(-1)).toMatchObject({ name: 'reset', reset: reason });
    expect(named.slice(0, -1).filter((each) => each.reset !== undefined)).toEqual([]);
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
    expect(named.at(-1)).toMatchObject({ name: 'SYN', relativeSeq: 0 });
  });

  it('flags read as people write them', () =>
    expect(['S', 'SA', 'FPA', 'R', 'SEC', 'AU', ''].map(flagText)).toEqual([
      'SYN',
      'SYN,ACK',
      'FIN,PSH,ACK',
      'RST',
      'SYN,ECE,CWR',
      'ACK,URG',
      '(none)',
    ]));
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
