/** "1 connection", "10 connections". */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** "3 s", "0.21 s", "4.97 s": seconds for statements, three digits where they matter. */
export const inSeconds = (seconds: number): string =>
  `${seconds >= 100 ? Math.round(seconds) : Number(seconds.toPrecision(3))} s`;

/** "4× ECONNRESET, 1× closed": what was met, most frequent first. */
export function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([word, count]) => `${count}× ${word}`)
    .join(', ');
}

/** "0.9 s to 1.1 s", or one figure when both ends are the same. */
export function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return inSeconds(low) === inSeconds(high) ? inSeconds(low) : `${inSeconds(low)} to ${inSeconds(high)}`;
}

/** "2 to 4", or one figure when both ends are the same: counts for statements. */
export function countRange(counts: readonly number[]): string {
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? `${low}` : `${low} to ${high}`;
}

/** "; never told: 2× mq-1": ends that heard nothing of what had happened; empty where all did. */
export const untoldText = (hosts: readonly string[]): string =>
  hosts.length === 0 ? '' : `; never told: ${tally(hosts)}`;
