import { distance } from 'fastest-levenshtein';

/** The known names nearest to what was typed, best first; empty when none is near. */
export function nearest(typed: string, known: readonly string[], most = 3): string[] {
  return known
    .map((name) => ({
      name,
      distance:
        name.startsWith(typed) || typed.startsWith(name) ? 1 : distance(typed.toLowerCase(), name.toLowerCase()),
    }))
    .filter((candidate) => candidate.distance <= Math.max(2, Math.ceil(typed.length / 3)))
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, most)
    .map((candidate) => candidate.name);
}

/** "did you mean …?", or undefined where nothing is near. */
export function suggestion(typed: string, known: readonly string[]): string | undefined {
  const near = nearest(typed, known);
  return near.length > 0 ? `did you mean ${near.map((name) => `"${name}"`).join(' or ')}?` : undefined;
}
