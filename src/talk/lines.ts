// What one of our processes hears from another by lines of JSON. A process's standard output is not its program's alone: a package
// may print to it. A line of another form is such a program's own output, and nothing breaks by it.

import type { z } from 'zod';

/** The object that a line is; undefined where it is none. */
export function objectIn(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** An event of one of our programs on a host; undefined for any other line. */
export function eventIn<E extends { time: number; event: string }>(line: string): E | undefined {
  const found = objectIn(line);
  return Number.isFinite(found?.time) && typeof found?.event === 'string' ? (found as unknown as E) : undefined;
}

/** A message of the lab's process; undefined for any other line. */
export function messageIn<M extends { type: string }>(line: string): M | undefined {
  const found = objectIn(line);
  return typeof found?.type === 'string' ? (found as unknown as M) : undefined;
}

/** An event of one of our programs, of the form that it is to have; undefined for any other line. */
export function lineOf<T>(line: string, schema: z.ZodType<T>): T | undefined {
  const found = objectIn(line);
  return found === undefined ? undefined : schema.safeParse(found).data;
}
