import { describe, expect, it } from 'vitest';
import { foldCycles, foldRuns, type Item, markSilence } from '../../src/judge/fold.ts';
import type { LadderRow } from '../../src/judge/result.ts';

let number = 0;

/** A packet between two hosts; `name` and who sent it are all that makes it another. */
function packet(
  at: number,
  from: string,
  to: string,
  { name = 'data', length = 14, lost = false }: { name?: string; length?: number; lost?: boolean } = {},
): Item {
  const way = `${from} > ${to}`;
  return {
    fold: name === 'data' || name === 'ack' ? 'chat' : name.startsWith('keepalive') ? 'beat' : 'keep',
    shape: [name, lost, way].join(' '),
    way,
    row: {
      kind: 'packet',
      at,
      packet: ++number,
      from,
      to,
      lost,
      flags: 'A',
      seq: 1,
      ack: 1,
      length: name === 'data' ? length : 0,
      name: name as 'data',
    },
  };
}

/** A request, its answer, and the ACK of that. */
const beat = (at: number, length = 14): Item[] => [
  packet(at, 'web', 'mq', { length }),
  packet(at + 0.001, 'mq', 'web', { length: 7 }),
  packet(at + 0.002, 'web', 'mq', { name: 'ack' }),
];
const probe = (at: number): Item[] => [
  packet(at, 'web', 'mq', { name: 'keepalive probe' }),
  packet(at + 0.001, 'mq', 'web', { name: 'keepalive answer' }),
];
const times = <T>(count: number, make: (index: number) => T[]): T[] =>
  Array.from({ length: count }, (_, index) => make(index)).flat();
const cycles = (items: readonly Item[]) => foldCycles(items).flatMap(({ row }) => (row.kind === 'fold' ? [row] : []));
const shownPackets = (items: readonly Item[]) =>
  foldCycles(items).flatMap(({ row }) => (row.kind === 'packet' ? [row.packet] : []));

describe('what repeats', () => {
  it('is one row between the first and the last of it, with its count, its period and its packets', () => {
    number = 0;
    const [row, ...more] = cycles(times(1440, (index) => beat(20 * index)));
    expect(more).toEqual([]);
    expect(row).toMatchObject({ at: 20, packets: 1438 * 3, times: 1438, everySeconds: 20, firstPacket: 4 });
    expect(row).toMatchObject({ lastPacket: 1439 * 3, seconds: 20 * 1437 + 0.002 });
    expect(row?.text).toBe('the same again 1,438 times, every 20 s: 4,314 packets');
  });

  it('has no period where it comes when it likes', () => {
    const irregular = [0, 3, 50, 52, 90, 200, 211, 400];
    const [row] = cycles(irregular.flatMap((at) => beat(at)));
    expect(row).toMatchObject({ times: irregular.length - 2 });
    expect(row).not.toHaveProperty('everySeconds');
    expect(row?.text).toMatch(/^the same again 6 times: /);
  });

  it('may be a cycle of several things, which is counted once', () => {
    const round = (at: number) => [...probe(at + 20), ...probe(at + 40), ...beat(at + 60)];
    const [row, ...more] = cycles(times(100, (index) => round(60 * index)));
    expect(more).toEqual([]);
    expect(row?.everySeconds).toBeCloseTo(60);
    expect(row?.times).toBeGreaterThan(95);
    expect(row?.times).toBeLessThanOrEqual(100);
  });

  it('is one thing, however TCP cuts it and whoever was first', () => {
    const cut = (at: number, index: number): Item[] =>
      index % 2 === 0
        ? [packet(at, 'web', 'mq', { length: 60 }), packet(at, 'mq', 'web')]
        : [
            packet(at, 'mq', 'web'),
            packet(at, 'web', 'mq', { length: 25 }),
            packet(at, 'mq', 'web', { name: 'ack' }),
            packet(at, 'web', 'mq', { length: 35 }),
          ];
    expect(cycles(times(50, (index) => cut(10 * index, index)))).toMatchObject([{ times: 48, everySeconds: 10 }]);
  });

  it.each<[string, (at: number) => Item[]]>([
    ['an answer that is missing', (at) => [packet(at, 'web', 'mq'), packet(at, 'web', 'mq', { name: 'ack' })]],
    [
      'a packet that was lost',
      (at) => beat(at).map((item) => ({ ...item, row: { ...item.row, lost: true } as LadderRow })),
    ],
    ['a reset', (at) => [...beat(at), packet(at + 0.003, 'mq', 'web', { name: 'reset' })]],
    ['much more data', (at) => beat(at, 4000)],
    ['a host that was silent before', (at) => [...beat(at), packet(at, 'other', 'mq')]],
    ['a packet that a finding points at', (at) => beat(at).map(({ shape: _, way: __, ...item }) => item)],
  ])('does not hide %s', (_, odd) => {
    number = 0;
    const before = times(20, (index) => beat(20 * index));
    const special = odd(400);
    const after = times(20, (index) => beat(420 + 20 * index));
    const shown = shownPackets([...before, ...special, ...after]);
    for (const { row } of special) expect(shown).toContain((row as { packet: number }).packet);
    expect(cycles([...before, ...special, ...after])).toHaveLength(2);
  });

  it('is shown in full where it is little', () => {
    const little = times(4, (index) => beat(20 * index));
    expect(foldCycles(little)).toEqual(little);
  });

  it('leaves no row for the pause that is its own', () => {
    const rows = markSilence(foldRuns(foldCycles(times(30, (index) => beat(20 * index)))));
    expect(rows.filter(({ kind }) => kind === 'fold')).toHaveLength(1);
    const later = [...times(30, (index) => beat(20 * index)), ...probe(900)];
    const silences = markSilence(foldRuns(foldCycles(later))).flatMap((row) =>
      row.kind === 'fold' && row.packets === 0 ? [row.text] : [],
    );
    expect(silences).toEqual(['5 min 20 s, nothing']);
  });

  it('counts every packet, shown or folded, once', () => {
    number = 0;
    const items = times(500, (index) => (index % 7 === 3 ? probe(5 * index) : beat(5 * index)));
    const folded = foldRuns(foldCycles(items));
    const counted = folded.reduce(
      (sum, { row }) => sum + (row.kind === 'packet' ? 1 : row.kind === 'fold' ? row.packets : 0),
      0,
    );
    expect(counted).toBe(items.length);
  });
});
