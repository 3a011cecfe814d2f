import { TupleNumbers, WayNumbers } from './numbers.ts';
import { type Header, parsePacket } from './packet.ts';
import type { CapturedFrame } from './pcapng.ts';

/**
 * Flags and time to live in one number. A router changes nothing of a segment but its time to live: by it, the wire before a
 * router is told from the one behind.
 */
export const flagsAndTtl = (flags: number, ttl: number): number => flags + ttl * 0x100;

/** Numbers for what is the same of a segment at both ends of a wire. */
export class Wires {
  readonly #ways = new WayNumbers();
  readonly #tuples = new TupleNumbers();

  of(header: Pick<Header, 'src' | 'sport' | 'dst' | 'dport' | 'flagBits' | 'ttl' | 'seq' | 'ack' | 'length'>): number {
    return this.#tuples.of(
      this.#ways.of(header),
      flagsAndTtl(header.flagBits, header.ttl),
      header.seq,
      header.ack,
      header.length,
    );
  }
}

/** A host's capture: when its frames came, in its own order, and what they are of. */
export interface Track {
  readonly length: number;
  /** Nanoseconds since a moment that is one for all tracks. */
  momentOf(at: number): number;
  /**
   * What is the same for a segment at both ends of a wire, as a number from 0 on: its way, flags, numbers and length; undefined
   * for a frame that is no segment.
   */
  wireOf(at: number): { wire: number; outgoing: boolean } | undefined;
}

/** A track, as far as it is not merged yet. */
interface Head {
  host: number;
  track: Track;
  at: number;
  moment: number;
}

/** Whether one comes before another: by time, else by the order of the hosts. */
const isBefore = (a: Head, b: Head) => a.moment < b.moment || (a.moment === b.moment && a.host < b.host);

/** A binary heap: who comes first is on top. */
class Heads {
  readonly #heap: Head[] = [];

  get top(): Head | undefined {
    return this.#heap[0];
  }

  push(head: Head): void {
    const heap = this.#heap;
    let at = heap.length;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(head, heap[parent] as Head)) break;
      heap[at] = heap[parent] as Head;
      at = parent;
    }
    heap[at] = head;
  }

  pop(): Head | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || last === top) return top;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Head, heap[child] as Head)) child++;
      if (!isBefore(heap[child] as Head, last)) break;
      heap[at] = heap[child] as Head;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

/** Segments that were sent more often than they were received, or less, up to some frame of the merged capture. */
class UnderWay {
  readonly #tracks: readonly Track[];
  readonly #order: Order;
  /** How far each track is counted. */
  readonly #at: number[];
  readonly #counts: number[] = [];
  #counted = 0;

  constructor(tracks: readonly Track[], order: Order) {
    this.#tracks = tracks;
    this.#order = order;
    this.#at = tracks.map(() => 0);
  }

  /** Whether what was merged so far says why a frame may come next: it was sent before, or nobody had to send it. */
  explains({ track, at }: Head): boolean {
    const found = track.wireOf(at);
    if (found === undefined || found.outgoing) return true;
    // Only who asks needs to know, and where no two frames are of one moment nobody asks.
    while (this.#counted < this.#order.length) this.#count(this.#order.tracks[this.#counted++] as number);
    return (this.#counts[found.wire] ?? 0) > 0;
  }

  #count(host: number): void {
    const at = this.#at[host] as number;
    this.#at[host] = at + 1;
    const found = (this.#tracks[host] as Track).wireOf(at);
    if (found !== undefined) this.#counts[found.wire] = (this.#counts[found.wire] ?? 0) + (found.outgoing ? 1 : -1);
  }
}

/** Of which track each frame is, as far as they are merged. */
interface Order {
  tracks: Uint16Array;
  length: number;
}

/**
 * Merges the captures of all hosts into one, in the order of time. Each host's own order is kept. Where clocks stand still
 * (a time-travelling kernel does much in one tick) the order between hosts is that of cause and effect: a segment is
 * received after it was sent.
 * @param tracks one a host
 * @returns for every frame of the merged capture, the index of the track of which it is the next
 */
export function mergeTracks(tracks: readonly Track[]): Uint16Array {
  const waiting = new Heads();
  for (const [host, track] of tracks.entries())
    if (track.length > 0) waiting.push({ host, track, at: 0, moment: track.momentOf(0) });
  const order: Order = { tracks: new Uint16Array(tracks.reduce((sum, { length }) => sum + length, 0)), length: 0 };
  const underWay = new UnderWay(tracks, order);
  /** Heads of the same moment, in the order of the hosts; nothing that waits comes before them. */
  let atOnce: Head[] = [];
  for (;;) {
    if (atOnce.length === 0) {
      const first = waiting.pop();
      if (first === undefined) return order.tracks;
      atOnce.push(first);
      while (waiting.top?.moment === first.moment) atOnce.push(waiting.pop() as Head);
    }
    const chosen =
      (atOnce.length > 1 ? atOnce.find((head) => underWay.explains(head)) : undefined) ?? (atOnce[0] as Head);
    order.tracks[order.length++] = chosen.host;
    const now = chosen.moment;
    chosen.at++;
    const next = chosen.at < chosen.track.length ? chosen.track.momentOf(chosen.at) : undefined;
    if (next === now) continue;
    atOnce = atOnce.filter((head) => head !== chosen);
    if (next === undefined) continue;
    chosen.moment = next;
    waiting.push(chosen);
    // A clock that was set back: what it says now comes before all others.
    if (next < now) for (const head of atOnce.splice(0)) waiting.push(head);
  }
}

/** The same of frames that are in memory. @param captures one list a host, each in the order of its capture */
export function mergeCaptures(captures: readonly (readonly CapturedFrame[])[]): CapturedFrame[] {
  const wires = new Wires();
  const since = captures.flat()[0]?.nanoseconds ?? 0n;
  const tracks = captures.map((frames): Track => {
    const at = (index: number) => frames[index] as CapturedFrame;
    return {
      length: frames.length,
      momentOf: (index) => Number(at(index).nanoseconds - since),
      wireOf: (index) => {
        const header = parsePacket(at(index).data, at(index).linkType);
        return header && { wire: wires.of(header), outgoing: header.outgoing };
      },
    };
  });
  const next = captures.map(() => 0);
  return Array.from(mergeTracks(tracks), (host) => {
    const at = next[host] as number;
    next[host] = at + 1;
    return captures[host]?.[at] as CapturedFrame;
  });
}
