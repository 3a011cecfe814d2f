import { wayKey } from './endpoint.ts';
import { type Header, parsePacket } from './packet.ts';
import type { CapturedFrame } from './pcapng.ts';

/** What is the same for a segment at both ends of a wire. */
const wireOf = (header: Header) => `${wayKey(header)} ${header.flags} ${header.seq} ${header.ack} ${header.length}`;

/** A host's capture, as far as it is not merged yet. */
interface Head {
  host: number;
  capture: readonly CapturedFrame[];
  at: number;
  frame: CapturedFrame;
}

/** Whether one comes before another: by time, else by the order of the hosts. */
const isBefore = (a: Head, b: Head) =>
  a.frame.nanoseconds < b.frame.nanoseconds || (a.frame.nanoseconds === b.frame.nanoseconds && a.host < b.host);

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
  readonly #merged: readonly CapturedFrame[];
  readonly #counts = new Map<string, number>();
  #counted = 0;

  constructor(merged: readonly CapturedFrame[]) {
    this.#merged = merged;
  }

  /** Whether what was merged so far says why a frame may come next: it was sent before, or nobody had to send it. */
  explains({ data, linkType }: CapturedFrame): boolean {
    const header = parsePacket(data, linkType);
    if (header === undefined || header.outgoing) return true;
    // Only who asks needs to know, and where no two frames are of one moment nobody asks.
    for (; this.#counted < this.#merged.length; this.#counted++)
      this.#count(this.#merged[this.#counted] as CapturedFrame);
    return (this.#counts.get(wireOf(header)) ?? 0) > 0;
  }

  #count({ data, linkType }: CapturedFrame): void {
    const header = parsePacket(data, linkType);
    if (header === undefined) return;
    const wire = wireOf(header);
    const count = (this.#counts.get(wire) ?? 0) + (header.outgoing ? 1 : -1);
    if (count === 0) this.#counts.delete(wire);
    else this.#counts.set(wire, count);
  }
}

/**
 * Merges the captures of all hosts into one, in the order of time. Each host's own order is kept. Where clocks stand still
 * (a time-travelling kernel does much in one tick) the order between hosts is that of cause and effect: a segment is
 * received after it was sent.
 * @param captures one list a host, each in the order of its capture
 */
export function mergeCaptures(captures: readonly (readonly CapturedFrame[])[]): CapturedFrame[] {
  const waiting = new Heads();
  for (const [host, capture] of captures.entries())
    if (capture[0]) waiting.push({ host, capture, at: 0, frame: capture[0] });
  const merged: CapturedFrame[] = [];
  const underWay = new UnderWay(merged);
  /** Heads of the same moment, in the order of the hosts; nothing that waits comes before them. */
  let atOnce: Head[] = [];
  for (;;) {
    if (atOnce.length === 0) {
      const first = waiting.pop();
      if (first === undefined) return merged;
      atOnce.push(first);
      while (waiting.top?.frame.nanoseconds === first.frame.nanoseconds) atOnce.push(waiting.pop() as Head);
    }
    const chosen =
      (atOnce.length > 1 ? atOnce.find(({ frame }) => underWay.explains(frame)) : undefined) ?? (atOnce[0] as Head);
    merged.push(chosen.frame);
    const now = chosen.frame.nanoseconds;
    const next = chosen.capture[++chosen.at];
    if (next?.nanoseconds === now) {
      chosen.frame = next;
      continue;
    }
    atOnce = atOnce.filter((head) => head !== chosen);
    if (next === undefined) continue;
    chosen.frame = next;
    waiting.push(chosen);
    // A clock that was set back: what it says now comes before all others.
    if (next.nanoseconds < now) for (const head of atOnce.splice(0)) waiting.push(head);
  }
}
