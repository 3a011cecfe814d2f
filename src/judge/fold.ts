import { formatDuration, plainDuration } from '../base/duration.ts';
import type { LadderRow } from './result.ts';
import { plural } from './words.ts';

/**
 * A row and how it may be folded: `keep` never; `chat` (data and ACKs), `beat` (keepalive), `shut` (a window of zero) and
 * `again` (retransmissions) in runs of their own kind.
 */
export interface Item {
  row: LadderRow;
  fold: 'keep' | 'chat' | 'beat' | 'shut' | 'again';
  /** What kind of thing happened, without its moment; undefined for what always has a row of its own. */
  shape?: string;
  /** Of a packet: from whom to whom, hosts that stand for each other being one. */
  way?: string;
  /** Of a step: whether connections are opened in it, so that what follows is a client library's greeting. */
  opens?: boolean;
}

/** Rows kept at the head and the tail of a run that is folded. */
const KEPT = { chat: [2, 2], beat: [2, 2], shut: [2, 2], again: [3, 2] } as const;
/** A stretch without anything, worth a row of its own. It parts one burst of rows from the next. */
const SILENCE_SECONDS = 0.9;
/** Fewer bursts that were seen before are shown one by one. */
const LEAST_BURSTS = 3;
/** A cycle may hold so many bursts: probes between two requests, for example. */
const LONGEST_CYCLE = 8;
/** Which part of the bursts must be like those one cycle before, and which part of the periods like their median. */
const MOSTLY = 0.9;
/** How far a period may be from the median, as a part of it: timers of the kernel are late by up to an eighth. */
const LATENESS = 0.13;

interface Burst {
  items: readonly Item[];
  from: number;
  to: number;
  /** Whether all of it may be folded. */
  free: boolean;
  /** What it was about: who said what to whom, and what the client library told; without what depends on who is first. */
  gist: string;
  /** The kinds of things that happened in it. */
  shapes: ReadonlySet<string>;
}

/** Octets to the power of two: a greeting differs from the next by some digits. */
const magnitude = (octets: number): number => Math.floor(Math.log2(octets));

function burstOf(items: readonly Item[]): Burst {
  const shapes = new Set<string>();
  const octets = new Map<string, number>();
  const gist = new Set<string>();
  for (const { row, shape, way } of items) {
    if (shape === undefined) continue;
    if (row.kind !== 'packet' || way === undefined) {
      shapes.add(shape);
      gist.add(shape);
    } else if (!row.lost && (row.name === 'data' || row.name === 'ack' || row.name === 'window update')) {
      // How TCP cuts a direction's data, and how often it acknowledges, depends on who is a moment sooner.
      if (row.length > 0) octets.set(way, (octets.get(way) ?? 0) + row.length);
    } else {
      shapes.add(shape);
      // Where both ends close, what crosses on the wire decides on FIN or RST, and by whom.
      if (row.name !== 'reset') gist.add(`${row.name} ${row.lost}`);
    }
  }
  for (const [way, sum] of octets) {
    shapes.add(`${way} ${magnitude(sum)}`);
    gist.add(way);
  }
  return {
    items,
    from: (items[0] as Item).row.at,
    to: (items.at(-1) as Item).row.at,
    free: items.every(({ shape }) => shape !== undefined) && items.some(({ fold }) => fold !== 'again'),
    gist: [...gist].sort().join('|'),
    shapes,
  };
}

function burstsOf(items: readonly Item[]): Burst[] {
  const bursts: Burst[] = [];
  for (let start = 0; start < items.length; ) {
    let stop = start + 1;
    while (
      stop < items.length &&
      (items[stop] as Item).row.at - (items[stop - 1] as Item).row.at < SILENCE_SECONDS &&
      (items[stop] as Item).row.kind !== 'step'
    )
      stop++;
    bursts.push(burstOf(items.slice(start, stop)));
    start = stop;
  }
  return bursts;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/** After how many bursts the same comes again; 1 where nothing shorter than a cycle's most does. */
function cycleOf(bursts: readonly Burst[]): number {
  for (let length = 1; length <= LONGEST_CYCLE && length * 2 <= bursts.length; length++) {
    const later = bursts.slice(length);
    if (later.filter(({ gist }, index) => gist === bursts[index]?.gist).length >= MOSTLY * later.length) return length;
  }
  return 1;
}

/** The period of a cycle, seconds; undefined where it has none. */
function periodOf(bursts: readonly Burst[], cycle: number): number | undefined {
  const periods = bursts.slice(cycle).map(({ from }, index) => from - (bursts[index] as Burst).from);
  if (periods.length === 0) return undefined;
  const middle = median(periods);
  const regular = periods.filter((period) => Math.abs(period - middle) <= LATENESS * middle).length;
  return regular >= MOSTLY * periods.length ? middle : undefined;
}

function foldedCycle(bursts: readonly Burst[]): Item {
  const cycle = cycleOf(bursts);
  const period = periodOf(bursts, cycle);
  const times = Math.max(1, Math.round(bursts.length / cycle));
  const packets = bursts.flatMap(({ items }) =>
    items.flatMap(({ row }) => (row.kind === 'packet' ? [row.packet] : [])),
  );
  const at = (bursts[0] as Burst).from;
  const what = bursts.every(({ items }) => items.every(({ fold }) => fold === 'beat')) ? 'keepalive' : 'the same';
  const how = `${times.toLocaleString('en')} times${period === undefined ? '' : `, every ${plainDuration(period)}`}`;
  return {
    fold: 'keep',
    row: {
      kind: 'fold',
      at,
      seconds: Math.max(0, (bursts.at(-1) as Burst).to - at),
      packets: packets.length,
      text: `${what} again ${how}${packets.length === 0 ? '' : `: ${packets.length.toLocaleString('en')} ${packets.length === 1 ? 'packet' : 'packets'}`}`,
      times,
      ...(period === undefined ? {} : { everySeconds: Math.round(period * 1e3) / 1e3 }),
      ...(packets.length === 0 ? {} : spanOf(packets)),
    },
  };
}

function spanOf(packets: readonly number[]): { firstPacket: number; lastPacket: number } {
  let [firstPacket, lastPacket] = [packets[0] as number, packets[0] as number];
  for (const packet of packets) {
    firstPacket = Math.min(firstPacket, packet);
    lastPacket = Math.max(lastPacket, packet);
  }
  return { firstPacket, lastPacket };
}

/**
 * Folds what repeats: of bursts that are about the same, the first is shown, and the last before something else. A burst in
 * which something happened for the first time always is.
 */
export function foldCycles(items: readonly Item[]): Item[] {
  const folded: Item[] = [];
  const known = new Map<string, Set<string>>();
  let again: Burst[] = [];
  const flush = () => {
    const [middle, tail] = again.length > LEAST_BURSTS ? [again.slice(0, -1), again.slice(-1)] : [[], again];
    if (middle.length > 0) folded.push(foldedCycle(middle));
    folded.push(...tail.flatMap((burst) => burst.items));
    again = [];
  };
  for (const burst of burstsOf(items)) {
    const shown = known.get(burst.gist);
    if (burst.free && shown !== undefined && [...burst.shapes].every((shape) => shown.has(shape))) {
      again.push(burst);
      continue;
    }
    flush();
    folded.push(...burst.items);
    if (burst.free) known.set(burst.gist, new Set([...(shown ?? []), ...burst.shapes]));
  }
  flush();
  return folded;
}

const RUN_TEXT: Record<Exclude<Item['fold'], 'keep'>, (count: number) => string> = {
  chat: (count) => `${plural(count, 'packet')} of data and ACKs`,
  beat: (count) => `${plural(count, 'packet')} of keepalive, probes and answers`,
  shut: (count) => `${plural(count, 'packet')} about a window of zero, probes and answers`,
  again: (count) => `${plural(count, 'retransmission')} more`,
};

/** Folds runs of rows of the same kind, keeping their heads and tails. */
export function foldRuns(items: readonly Item[]): Item[] {
  const folded: Item[] = [];
  let greeting = false;
  for (let start = 0; start < items.length; ) {
    const item = items[start] as Item;
    if (item.row.kind === 'step') greeting = item.opens === true;
    let stop = start + 1;
    while (item.fold !== 'keep' && stop < items.length && items[stop]?.fold === item.fold) stop++;
    const run = items.slice(start, stop);
    start = stop;
    if (item.fold === 'keep') {
      folded.push(item);
      continue;
    }
    const [head, tail] = greeting && item.fold === 'chat' ? [0, 0] : KEPT[item.fold];
    if (run.length <= head + tail + 1 && !(greeting && item.fold === 'chat')) {
      folded.push(...run);
      continue;
    }
    const middle = run.slice(head, run.length - tail);
    const [first, last] = [middle[0] as Item, middle.at(-1) as Item];
    const packets = middle.flatMap(({ row }) => (row.kind === 'packet' ? [row.packet] : []));
    folded.push(
      ...run.slice(0, head),
      {
        fold: 'keep',
        row: {
          kind: 'fold',
          at: first.row.at,
          seconds: Math.max(0, last.row.at - first.row.at),
          packets: middle.length,
          text:
            greeting && item.fold === 'chat'
              ? `${plural(middle.length, 'packet')}: the client library’s greeting`
              : RUN_TEXT[item.fold](middle.length),
          ...spanOf(packets),
        },
      },
      ...run.slice(run.length - tail),
    );
  }
  return folded;
}

/** Puts a row where for a while there was nothing; beside a cycle with a period, only where that is not its own pause. */
export function markSilence(items: readonly Item[]): LadderRow[] {
  const pauseOf = (row: LadderRow | undefined) =>
    row?.kind === 'fold' && row.times !== undefined ? (row.everySeconds ?? 0) * (1 + LATENESS) : 0;
  return items.flatMap(({ row }, index): LadderRow[] => {
    const next = items[index + 1]?.row;
    const end = row.kind === 'fold' ? row.at + row.seconds : row.at;
    const silence = next ? next.at - end : 0;
    if (silence < Math.max(SILENCE_SECONDS, pauseOf(row), pauseOf(next))) return [row];
    return [row, { kind: 'fold', at: end, seconds: silence, packets: 0, text: `${formatDuration(silence)}, nothing` }];
  });
}
