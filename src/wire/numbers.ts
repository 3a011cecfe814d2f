// Numbers in the place of ways and of tuples. A capture has few of them and many packets: whoever asks about every packet
// compares and looks up small whole numbers instead of making a text each time.
import type { Way } from './endpoint.ts';

/** A map in a map, made where it is not there. */
function innerOf<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<L, V>();
  map.set(key, made);
  return made;
}

/** Gives every way a number, from 0 on, in the order in which they are first asked for. */
export class WayNumbers {
  readonly #known = new Map<string, Map<string, Map<number, number>>>();
  readonly #ways: Way[] = [];
  readonly #backs: number[] = [];

  of({ src, sport, dst, dport }: Way): number {
    const bySource = innerOf(this.#known, src);
    const byPorts = innerOf(bySource, dst);
    const ports = sport * 0x1_0000_0000 + dport;
    const known = byPorts.get(ports);
    if (known !== undefined) return known;
    const number = this.#ways.length;
    byPorts.set(ports, number);
    this.#ways.push({ src, sport, dst, dport });
    this.#backs.push(-1);
    return number;
  }

  /** The number of the way back. */
  back(number: number): number {
    const known = this.#backs[number] as number;
    if (known >= 0) return known;
    const { src, sport, dst, dport } = this.#ways[number] as Way;
    const back = this.of({ src: dst, sport: dport, dst: src, dport: sport });
    this.#backs[number] = back;
    this.#backs[back] = number;
    return back;
  }
}

/** Gives every text a number, from 0 on. */
export class TextNumbers {
  readonly #known = new Map<string, number>();
  readonly texts: string[] = [];

  of(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}

/** Gives every pair of texts a number, from 0 on. */
export class PairNumbers {
  readonly #known = new Map<string, Map<string, number>>();
  #size = 0;

  of(a: string, b: string): number {
    const inner = innerOf(this.#known, a);
    const known = inner.get(b);
    if (known !== undefined) return known;
    inner.set(b, this.#size);
    return this.#size++;
  }
}

const WIDTH = 5;
const FEWEST = 1024;

/** Gives every tuple of five whole numbers of 32 bits a number, from 0 on. */
export class TupleNumbers {
  /** Open addressing: the number of a tuple plus one, 0 where there is none. */
  #slots = new Int32Array(2 * FEWEST);
  #tuples = new Int32Array(FEWEST * WIDTH);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(a: number, b: number, c: number, d: number, e: number): number {
    const mask = this.#slots.length - 1;
    const tuples = this.#tuples;
    for (let slot = hashOf(a, b, c, d, e) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1;
      if (number < 0) return this.#add(slot, [a, b, c, d, e]);
      const at = number * WIDTH;
      if (
        tuples[at] === (a | 0) &&
        tuples[at + 1] === (b | 0) &&
        tuples[at + 2] === (c | 0) &&
        tuples[at + 3] === (d | 0) &&
        tuples[at + 4] === (e | 0)
      )
        return number;
    }
  }

  #add(slot: number, tuple: readonly number[]): number {
    const number = this.#size++;
    this.#tuples.set(tuple, number * WIDTH);
    this.#slots[slot] = number + 1;
    if (this.#size * 2 === this.#slots.length) this.#grow();
    return number;
  }

  #grow(): void {
    const tuples = new Int32Array(this.#tuples.length * 2);
    tuples.set(this.#tuples);
    this.#tuples = tuples;
    this.#slots = new Int32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      const at = number * WIDTH;
      const [a, b, c] = [tuples[at], tuples[at + 1], tuples[at + 2]] as [number, number, number];
      let slot = hashOf(a, b, c, tuples[at + 3] as number, tuples[at + 4] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number + 1;
    }
  }
}

const mixed = (hash: number, value: number) => Math.imul(hash ^ value ^ ((hash ^ value) >>> 15), 0x2c1b_3c6d);

function hashOf(a: number, b: number, c: number, d: number, e: number): number {
  const hash = mixed(mixed(mixed(mixed(mixed(0x9e37, a), b), c), d), e);
  return (hash ^ (hash >>> 13)) >>> 0;
}
