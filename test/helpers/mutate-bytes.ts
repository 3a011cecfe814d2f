// Seeded mutations of bytes and of JSON documents: what a damaged disk, a cut upload or a hostile hand makes of evidence.
import { randomOf } from './mutate.ts';

/** Numbers that lengths, counts and indexes must not have. */
const WORDS = [0, 1, 4, 11, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER, '', 'x', '../../x', '__proto__', 'constructor'],
  ...['"><img src=x>', '\u001b[2J', '198.18.0.1:1', [], {}, [[]], [null], { __proto__: 1 }, 'y'.repeat(5000)],
];

export class Mutator {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** A copy with one to four changes: flipped bits, other bytes, lying words, cuts, insertions, repetitions. */
  bytes(whole: Buffer): Buffer {
    let bytes: Buffer = Buffer.from(whole);
    for (let change = this.below(4); change >= 0; change--) bytes = this.#once(bytes);
    return bytes;
  }

  #once(bytes: Buffer): Buffer {
    if (bytes.length < 4) return Buffer.concat([bytes, Buffer.from([this.below(256)])]);
    const at = this.below(bytes.length - 3);
    const length = 1 + this.below(Math.min(64, bytes.length - at));
    switch (this.below(8)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << this.below(8));
        return bytes;
      case 1:
        bytes[at] = this.below(256);
        return bytes;
      case 2:
        bytes.writeUInt32LE(this.pick(WORDS), at);
        return bytes;
      case 3:
        bytes.writeUInt16LE(this.pick(WORDS) & 0xffff, at);
        return bytes;
      case 4:
        return bytes.subarray(0, at);
      case 5:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
      case 6:
        return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
      default:
        return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, this.below(256)), bytes.subarray(at)]);
    }
  }

  /** A copy with one value, somewhere in it, replaced, removed or put in twice. */
  json<T>(document: T): T {
    const copy = structuredClone(document);
    const places: [Record<string, unknown> | unknown[], string | number][] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
      for (const key of keys) {
        places.push([value as Record<string, unknown>, key]);
        visit((value as Record<string | number, unknown>)[key]);
      }
    };
    visit(copy);
    const [parent, key] = this.pick(places);
    if (Array.isArray(parent)) {
      const action = this.below(3);
      if (action === 0) parent.splice(Number(key), 1);
      else if (action === 1) parent.push(structuredClone(parent[Number(key)]));
      else parent[Number(key)] = this.pick(VALUES);
    } else if (this.below(3) === 0) delete parent[key];
    else parent[key] = this.pick(VALUES);
    return copy;
  }
}
