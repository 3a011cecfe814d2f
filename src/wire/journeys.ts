import { keyBetween, reversed, wayKey } from './endpoint.ts';
import { seqDelta, seqLength } from './packet.ts';
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

const identity = (segment: Segment) => `${segment.flags} ${segment.seq} ${segment.ack} ${segment.length}`;

/** Journeys whose last capture is at one point, in the order of its time. */
class Queue {
  readonly #journeys: Journey[] = [];
  #next = 0;

  push(journey: Journey): void {
    this.#journeys.push(journey);
  }

  /** The one that has been there for longest, of those that came no earlier than a moment; what came earlier is forgotten. */
  first(since: number): Journey | undefined {
    while (this.#next < this.#journeys.length && lastOf(this.#journeys[this.#next] as Journey).time < since)
      this.#next++;
    return this.#journeys[this.#next];
  }

  shift(): void {
    this.#next++;
  }
}

const lastOf = ({ hops }: Journey) => hops.at(-1) as Segment;

/** Where journeys of one identity are, by the place where they can go on: at a host, or on a wire as seen by the host that sent. */
class Places {
  readonly #queues = new Map<string, Map<string, Queue>>();

  static #placeOf = (id: string, { src, dst, host }: Segment, outgoing: boolean) =>
    outgoing ? `${id} ${keyBetween(src, dst)}` : `${id} ${host}`;

  put(id: string, journey: Journey): void {
    const last = lastOf(journey);
    const place = Places.#placeOf(id, last, last.outgoing);
    const queues = this.#queues.get(place) ?? new Map<string, Queue>();
    if (queues.size === 0) this.#queues.set(place, queues);
    const queue = queues.get(last.host) ?? new Queue();
    queues.set(last.host, queue);
    queue.push(journey);
  }

  /** Takes away the journey that a segment continues: from a sender onto the wire, or through a middlebox; never twice past one point. */
  take(id: string, segment: Segment): Journey | undefined {
    const wasSent = !segment.outgoing;
    let found: { queue: Queue; journey: Journey } | undefined;
    for (const [host, queue] of this.#queues.get(Places.#placeOf(id, segment, wasSent)) ?? []) {
      if (wasSent === (host === segment.host)) continue;
      const journey = queue.first(segment.time - TRAVEL_SECONDS);
      if (journey && (!found || lastOf(journey).time < lastOf(found.journey).time)) found = { queue, journey };
    }
    found?.queue.shift();
    return found?.journey;
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
  const journeys: Journey[] = [];
  const places = new Places();
  for (const segment of segments) {
    if (segment.interface === 'lo') continue;
    const id = identity(segment);
    const journey = places.take(id, segment) ?? { first: segment, hops: [], from: segment.host, to: '', lost: false };
    if (journey.hops.length === 0) journeys.push(journey);
    journey.hops.push(segment);
    journey.to = segment.host;
    places.put(id, journey);
  }
  const heard = received(segments);
  const spoken = spokenByBoxes(journeys, isMiddlebox);
  for (const journey of journeys) journey.lost = isLost(lastOf(journey), isMiddlebox, heard, spoken);
  return journeys;
}

/** What each host received of each direction, in the order of time. */
function received(segments: readonly Segment[]): Map<string, Segment[]> {
  const heard = new Map<string, Segment[]>();
  for (const segment of segments) {
    if (segment.outgoing) continue;
    const way = wayKey(segment);
    const list = heard.get(way) ?? [];
    if (list.length === 0) heard.set(way, list);
    list.push(segment);
  }
  return heard;
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

function isLost(
  last: Segment,
  isMiddlebox: (host: string) => boolean,
  heard: Map<string, Segment[]>,
  spoken: Set<string>,
): boolean {
  if (!last.outgoing) return isMiddlebox(last.host) && !spoken.has(wayKey(reversed(last)));
  if (seqLength(last) === 0) return true;
  // A segment that the kernel cut or joined on its way is not lost: its bytes arrived under another length.
  const end = (last.seq + seqLength(last)) >>> 0;
  const others = heard.get(wayKey(last)) ?? [];
  for (let index = firstSince(others, last.time); index < others.length; index++) {
    const other = others[index] as Segment;
    if (other.time - last.time >= TRAVEL_SECONDS) break;
    if (seqDelta(end, (other.seq + seqLength(other)) >>> 0) >= 0) return false;
  }
  return true;
}
