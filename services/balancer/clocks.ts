// When flows are to be forgotten by a box whose timers are not connection tracking's: one for each direction, one that only data
// restarts, one that runs from a flow's beginning whatever it carries.

import type { Forgetting, Terms } from '../../src/talk/flow-clocks.ts';
import { type Way, wayKey } from '../../src/wire/endpoint.ts';

export type Side = 'client' | 'server';

/** What a packet means to a clock. */
export interface Seen {
  way: Way;
  /** Epoch seconds. */
  time: number;
  /** Of the application. */
  bytes: number;
  /** Whether it ends the connection: what follows is the kernel's business. */
  ends: boolean;
}

interface Tracked {
  original: Way;
  reply: Way;
}

/**
 * Flows by the time of their last start, the earliest first: they all wait equally long, so the one that starts again goes to
 * the end.
 */
class Queue {
  readonly #seconds: number;
  readonly #started = new Map<string, number>();

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  start(flow: string, time: number): void {
    this.#started.delete(flow);
    this.#started.set(flow, time);
  }

  has(flow: string): boolean {
    return this.#started.has(flow);
  }

  stop(flow: string): void {
    this.#started.delete(flow);
  }

  /** The flow that is due first, and when. */
  first(): { flow: string; due: number } | undefined {
    for (const [flow, time] of this.#started) return { flow, due: time + this.#seconds };
    return undefined;
  }
}

/** The clocks of all flows of a box. Times are epoch seconds. */
export class FlowClocks {
  readonly #dataOnly: boolean;
  readonly #silence: ReadonlyMap<Side, Queue>;
  readonly #life: Queue | undefined;
  readonly #flows = new Map<string, Tracked>();
  /** Of the ways on which the two ends' packets come in: which flow, which end. */
  readonly #ways = new Map<string, { flow: string; side: Side }>();
  readonly #kinds: { queue: Queue; why: Forgetting['why']; side?: Side }[];

  constructor({ refreshedBy, idleSeconds, sides, lifeSeconds }: Terms) {
    this.#dataOnly = refreshedBy === 'data';
    const one = idleSeconds === undefined ? undefined : new Queue(idleSeconds);
    const both: [Side, Queue][] = sides
      ? [
          ['client', new Queue(sides.clientSeconds)],
          ['server', new Queue(sides.serverSeconds)],
        ]
      : [];
    this.#silence = new Map(
      one
        ? [
            ['client', one],
            ['server', one],
          ]
        : both,
    );
    this.#life = lifeSeconds === undefined ? undefined : new Queue(lifeSeconds);
    this.#kinds = [
      ...(one ? [{ queue: one, why: 'idle' as const }] : []),
      ...both.map(([side, queue]) => ({ queue, why: 'idle' as const, side })),
      ...(this.#life ? [{ queue: this.#life, why: 'life' as const }] : []),
    ];
  }

  /** A flow has begun. */
  begin({ original, reply }: Tracked, time: number): void {
    const flow = wayKey(original);
    this.#flows.set(flow, { original, reply });
    this.#ways.set(flow, { flow, side: 'client' });
    this.#ways.set(wayKey(reply), { flow, side: 'server' });
    for (const { queue } of this.#kinds) queue.start(flow, time);
  }

  /** A packet has come; one of no flow changes nothing. */
  see({ way, time, bytes, ends }: Seen): void {
    const found = this.#ways.get(wayKey(way));
    if (!found) return;
    const { flow, side } = found;
    if (ends) {
      for (const queue of this.#silence.values()) queue.stop(flow);
      return;
    }
    const queue = this.#silence.get(side);
    if (queue?.has(flow) && (bytes > 0 || !this.#dataOnly)) queue.start(flow, time);
  }

  /** A flow is gone, no matter what ended it. */
  end(original: Way): void {
    const flow = wayKey(original);
    const tracked = this.#flows.get(flow);
    if (!tracked) return;
    this.#flows.delete(flow);
    this.#ways.delete(flow);
    this.#ways.delete(wayKey(tracked.reply));
    for (const { queue } of this.#kinds) queue.stop(flow);
  }

  /** When the next flow is to be forgotten; undefined while none is. */
  due(): number | undefined {
    const dues = this.#kinds.flatMap(({ queue }) => queue.first()?.due ?? []);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** Ends every flow that is to be forgotten by now. @returns them, with the reason */
  forget(now: number): Omit<Forgetting, 'time'>[] {
    const forgotten: Omit<Forgetting, 'time'>[] = [];
    for (const { queue, why, side } of this.#kinds)
      for (let first = queue.first(); first && first.due <= now; first = queue.first()) {
        const tracked = this.#flows.get(first.flow) as Tracked;
        this.end(tracked.original);
        forgotten.push({ ...tracked, why, ...(side === undefined ? {} : { side }) });
      }
    return forgotten;
  }
}
