// Parameters that a verb, a box or a check says it takes, as a scenario file gives them.

import type { z } from 'zod';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { checked } from './complaint.ts';
import { knownKeys } from './known-keys.ts';
import type { Positions } from './read.ts';
import type { Resolver } from './resolver.ts';

type Path = readonly PropertyKey[];

/** Where in the file each value stands whose word was a parameter's name, by its own path. */
type Places = Map<string, Path>;

const keyOf = (path: Path): string => JSON.stringify(path.map(String));

const WHOLE_NUMBER = /^\d+$/;

/** Resolves parameters and paces however deep they stand. A parameter is text: `numbers` reads whole numbers in it. */
function resolved(
  raw: unknown,
  path: Path,
  reading: { resolver: Resolver; places: Places; numbers: boolean },
): unknown {
  const { value, path: here } = reading.resolver.resolve(raw, path);
  if (here !== path) reading.places.set(keyOf(path), here);
  if (Array.isArray(value)) return value.map((each, index) => resolved(each, [...path, index], reading));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, resolved(each, [...path, key], reading)]),
    );
  const named = value !== raw && typeof value === 'string' && WHOLE_NUMBER.test(value);
  return named && reading.numbers ? Number(value) : value;
}

/**
 * Resolves parameters, and has their schema check them.
 * @param takes what they belong to, for messages: 'what "request" takes'
 * @param others keys that stand beside them and are not the schema's
 * @throws LabError BAD_FILE at the value or key that is wrong
 */
export function ownParams(
  raw: unknown,
  path: Path,
  { schema, takes, others = [] }: { schema: z.ZodType; takes: string; others?: readonly string[] },
  { resolver, positions }: { resolver: Resolver; positions: Positions },
): Record<string, unknown> {
  const places: Places = new Map();
  const read = (numbers: boolean) => checked(schema, resolved(raw, path, { resolver, places, numbers }));
  const asText = read(false);
  if ('value' in asText) return asText.value as Record<string, unknown>;
  const asNumbers = read(true);
  if ('value' in asNumbers) return asNumbers.value as Record<string, unknown>;
  const { path: at, expected, stray } = asText.complaint;
  const known = [...knownKeys(schema, at, raw), ...(at.length === 0 ? others : [])];
  const keys = known.length > 0 ? known.join(', ') : 'no parameters';
  if (stray !== undefined)
    throw positions.error([...path, ...at, stray], `${takes}: ${keys}`, {
      found: `the key ${quoted(stray)}`,
      hint: suggestion(stray, known),
      key: true,
    });
  const place = [...path, ...at];
  throw positions.error(
    places.get(keyOf(place)) ?? place,
    at.length === 0 ? `${takes} (${keys}): ${expected}` : expected,
  );
}
