import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import type { Positions } from './read.ts';

type Path = readonly PropertyKey[];

/** One of the names of a kind, or a complaint that lists them. @throws LabError BAD_FILE */
export function oneOf(kind: string, typed: string, names: readonly string[], positions: Positions, path: Path): string {
  if (names.includes(typed)) return typed;
  throw positions.error(path, `${kind}: one of ${names.join(', ')}`, {
    found: quoted(typed),
    hint: suggestion(typed, names),
  });
}

/** Refuses a name that something else has already. @throws LabError BAD_FILE */
export function notReserved(
  what: string,
  reserved: ReadonlyMap<string, string>,
  name: string,
  positions: Positions,
  path: Path,
): void {
  const reason = reserved.get(name);
  if (reason !== undefined)
    throw positions.error(path, `another name for ${what}`, {
      found: `"${name}", which is taken: ${reason}`,
      hint: `call it something else than ${[...reserved.keys()].join(', ')}`,
      key: true,
    });
}
