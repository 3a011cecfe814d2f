/** Some of a client's connections, by number from 0. */
export interface Part {
  from: number;
  count: number;
}

/** How people write it. */
export const PART_WORDS =
  'all, half, other-half, a number (the first so many), a share as in 25%, or numbers as in 3-7 (from 0)';

/** Reads "half of the connections". @returns undefined where it is no part of so many; a part holds one connection at least */
export function readPart(written: unknown, connections: number): Part | undefined {
  const text = String(written).trim();
  const half = Math.ceil(connections / 2);
  const within = (from: number, count: number): Part | undefined =>
    Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 1 && from + count <= connections
      ? { from, count }
      : undefined;
  if (text === 'all') return within(0, connections);
  if (text === 'half') return within(0, half);
  if (text === 'other-half') return within(half, connections - half);
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (share) return within(0, Math.max(1, Math.round((connections * Number(share[1])) / 100)));
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range) return within(Number(range[1]), Number(range[2]) - Number(range[1]) + 1);
  return /^\d+$/.test(text) ? within(0, Number(text)) : undefined;
}
