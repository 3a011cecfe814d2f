const UNIT_SECONDS: Record<string, number> = { ms: 0.001, s: 1, min: 60, m: 60, h: 3600, d: 86_400 };
const PART = /(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)/g;

export const DURATION_PATTERN = String.raw`^\s*(\d+(\.\d+)?\s*(ms|min|s|m|h|d)\s*)+$`;
const WHOLE = new RegExp(DURATION_PATTERN);

/** Reads a duration as people write it ("350s", "8h", "1h 30min", "200ms"). @returns seconds, or undefined. */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(PART)) seconds += Number(amount) * (UNIT_SECONDS[unit as string] ?? 0);
  return Math.round(seconds * 1e6) / 1e6;
}

/** Seconds as a person would say them: "0.20 s", "7.0 s", "5 min 50 s", "8 h 00 min". */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.0995) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) {
    const rest = whole % 60;
    return rest === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${rest} s`;
  }
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A length that somebody chose, without a precision that nobody meant: "60 s", "5 min 50 s", "8 h", "2.5 s". */
export function plainDuration(seconds: number): string {
  if (seconds < 100) return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${Math.round(seconds * 10) / 10} s`;
  return formatDuration(seconds).replace(/ 00 min$/, '');
}

/** The shortest form that a scenario file or a configuration would use: "350s", "1.5s", "8h". */
export function shortDuration(seconds: number): string {
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  return `${Math.round(seconds * 1000) / 1000}s`;
}
