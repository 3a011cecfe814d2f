import type { ActResult, Outcome } from '../judge/result.ts';
import { formatDuration } from '../scenario/duration.ts';

const seconds = (value: number | null) => (value === null ? '–' : formatDuration(value));

function requests({ requestsAfterQuiet, replayed }: Outcome): string {
  const met = Object.entries(requestsAfterQuiet)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
  return met === '' ? '–' : `${met}${replayed > 0 ? ` (${replayed} replayed)` : ''}`;
}

const ROWS: [string, (outcome: Outcome) => string][] = [
  ['connections lost in the quiet', (outcome) => String(outcome.lostInQuiet)],
  ['first request after the quiet', requests],
  ['first reply after', (outcome) => seconds(outcome.firstReplySeconds)],
  ['loss noticed after', (outcome) => seconds(outcome.detectionSeconds)],
  [
    'zombies at the end',
    ({ zombies }) =>
      `client ${zombies.client}, server ${zombies.server}${zombies.middlebox > 0 ? `, middlebox ${zombies.middlebox}` : ''}`,
  ],
  ['keepalive probes sent', (outcome) => String(outcome.probesSent)],
  ['messages lost / applied twice', (outcome) => `${outcome.lostMessages} / ${outcome.duplicatedCommands}`],
];

/** The acts side by side: a table of texts, its head first. */
export function outcomeTable(acts: readonly ActResult[]): string[][] {
  return [
    ['', ...acts.map(({ name }) => name)],
    ...ROWS.map(([label, of]) => [label, ...acts.map(({ outcome }) => of(outcome))]),
  ];
}
