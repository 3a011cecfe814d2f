import { reversed, type Way, wayKey } from './endpoint.ts';
import { flagsAndTtl } from './merge.ts';
import { TextNumbers, TupleNumbers, WayNumbers } from './numbers.ts';
import { flagBits, seqDelta, seqLength } from './packet.ts';
import type { Segment } from './segments.ts';

/** One segment on its way through the lab: sent once, seen at every capture point it passed. */
export interface Journey {
  /** The capture of it at its sender (for a segment that the middlebox made up: at the middlebox). */
  first: Segment;
  /** All captures of it, in the order of its way. */
  hops: Segment[];
  from: string;
  /** The last host that saw it. */
  to: string;
  /** True when it never got to a host that would take it: swallowed on the wire, or by a middlebox that stayed silent. */
  lost: boolean;
}

/** How long a segment may take from one capture point to the next, seconds. */
const TRAVEL_SECONDS = 0.5;

const lastOf = ({ hops }: Journey) => hops.at(-1) as Segment;

/** Where journeys are, by what they are of and the place where they can go on: at a host, or on a wire. */
class Places {
  readonly #segments: readonly Segment[];
  readonly #hosts = new TextNumbers();
  readonly #addresses = new TextNumbers();
  readonly #places = new TupleNumbers();
  /** Lists of the segments that wait at each place: the first, the last, and who comes after whom; -1 for nobody. */
  readonly #first: number[] = [];
  readonly #last: number[] = [];
  readonly #after: Int32Array;

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
    this.#after = new Int32Array(segments.length).fill(-1);
  }

  /** What has left a host is on a wire, which addresses and time to live tell from others; what has come to a host is there. */
  #placeOf({ flags, seq, ack, length, src, dst, host, ttl }: Segment, onWire: boolean): number {
    const where = onWire ? this.#addresses.of(src) * 0x1_0000 + this.#addresses.of(dst) : -1 - this.#hosts.of(host);
    const bits = onWire ? flagsAndTtl(flagBits(flags), ttl) : flagBits(flags);
    const place = this.#places.of(seq, ack, length, bits, where);
    if (place === this.#first.length) {
      this.#first.push(-1);
      this.#last.push(-1);
    }
    return place;
  }

  /** Forgets those that have waited for so long that they do not go on. */
  #forget(place: number, time: number): void {
    let first = this.#first[place] as number;
    while (first >= 0 && (this.#segments[first] as Segment).time < time - TRAVEL_SECONDS)
      first = this.#after[first] as number;
    this.#first[place] = first;
  }

  put(index: number): void {
    const segment = this.#segments[index] as Segment;
    const place = this.#placeOf(segment, segment.outgoing);
    this.#forget(place, segment.time);
    if (this.#first[place] === -1) this.#first[place] = index;
    else this.#after[this.#last[place] as number] = index;
    this.#last[place] = index;
  }

  /**
   * Takes away the journey that a segment continues: from a sender onto the wire, or through a middlebox; never twice past one
   * point. @returns its last segment, or -1
   */
  take(index: number): number {
    const segment = this.#segments[index] as Segment;
    const wasSent = !segment.outgoing;
    const place = this.#placeOf(segment, wasSent);
    this.#forget(place, segment.time);
    let before = -1;
    let at = this.#first[place] as number;
    while (at >= 0 && wasSent === ((this.#segments[at] as Segment).host === segment.host)) {
      before = at;
      at = this.#after[at] as number;
    }
    if (at < 0) return -1;
    const after = this.#after[at] as number;
    if (before < 0) this.#first[place] = after;
    else this.#after[before] = after;
    if (after < 0) this.#last[place] = before;
    return at;
  }
}

/**
 * Joins what the capture points saw into journeys. Address translation changes addresses, not sequence numbers, so flags,
 * sequence numbers and length identify a segment; captures follow each other in time. Of several that are the same, the one
 * that has waited for longest goes on.
 * @param segments in the order of time
 * @param isMiddlebox hosts that pass segments on
 */
export function findJourneys(segments: readonly Segment[], isMiddlebox: (host: string) => boolean): Journey[] {
  const places = new Places(segments);
  /** The segment that follows each on its way; -1 where none does. */
  const next = new Int32Array(segments.length).fill(-1);
  const firsts: number[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.interface === 'lo') continue;
    const before = places.take(index);
    if (before < 0) firsts.push(index);
    else next[before] = index;
    places.put(index);
  }
  const journeys = firsts.map((index) => journeyFrom(segments, next, index));
  const spoken = spokenByBoxes(journeys, isMiddlebox);
  const heard = new Heard(segments);
  for (const journey of journeys) journey.lost = isLost(lastOf(journey), isMiddlebox, heard, spoken);
  return journeys;
}

function journeyFrom(segments: readonly Segment[], next: Int32Array, index: number): Journey {
  let count = 0;
  for (let at = index; at >= 0; at = next[at] as number) count++;
  // Exactly as long as it is, for there may be hundreds of thousands.
  const hops = new Array<Segment>(count);
  for (let at = index, hop = 0; at >= 0; at = next[at] as number) hops[hop++] = segments[at] as Segment;
  const first = hops[0] as Segment;
  return { first, hops, from: first.host, to: (hops[count - 1] as Segment).host, lost: false };
}

/** What each host received of each direction, in the order of time; found out once somebody asks. */
class Heard {
  readonly #segments: readonly Segment[];
  readonly #ways = new WayNumbers();
  /** By way. */
  #heard: Segment[][] | undefined;

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  of(way: Way): readonly Segment[] {
    this.#heard ??= this.#listen();
    return this.#heard[this.#ways.of(way)] ?? [];
  }

  #listen(): Segment[][] {
    const heard: Segment[][] = [];
    for (const segment of this.#segments) {
      if (segment.outgoing) continue;
      const way = this.#ways.of(segment);
      const list = heard[way];
      if (list === undefined) heard[way] = [segment];
      else list.push(segment);
    }
    return heard;
  }
}

/** Ways in which a middlebox itself has spoken, being a proxy's end or resetting a sender. */
function spokenByBoxes(journeys: readonly Journey[], isMiddlebox: (host: string) => boolean): Set<string> {
  return new Set(
    journeys.filter(({ first }) => first.outgoing && isMiddlebox(first.host)).map(({ first }) => wayKey(first)),
  );
}

/** The index of the first segment that is no earlier than a moment. */
function firstSince(segments: readonly Segment[], time: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as Segment).time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isLost(last: Segment, isMiddlebox: (host: string) => boolean, heard: Heard, spoken: Set<string>): boolean {
  if (!last.outgoing) return isMiddlebox(last.host) && !spoken.has(wayKey(reversed(last)));
  if (seqLength(last) === 0) return true;
  // A segment that the kernel cut or joined on its way is not lost: its bytes arrived under another length.
  const end = (last.seq + seqLength(last)) >>> 0;
  const others = heard.of(last);
  for (let index = firstSince(others, last.time); index < others.length; index++) {
    const other = others[index] as Segment;
    if (other.time - last.time >= TRAVEL_SECONDS) break;
    if (seqDelta(end, (other.seq + seqLength(other)) >>> 0) >= 0) return false;
  }
  return true;
}
