import { formatDuration } from '../base/duration.ts';
import type { ActResult, Outcome } from '../judge/result.ts';

const seconds = (value: number | null) => (value === null ? '–' : formatDuration(value));

function requests({ requestsAfterQuiet, replayed }: Pick<Outcome, 'requestsAfterQuiet' | 'replayed'>): string {
  const met = Object.entries(requestsAfterQuiet)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
  return met === '' ? '–' : `${met}${replayed > 0 ? ` (${replayed} replayed)` : ''}`;
}

interface OutcomeRow {
  label: string;
  /** `time`: how long it took or how often it was probed, which is never quite the same though the same happens. */
  kind: 'what' | 'time';
  of(outcome: Outcome): string;
}

const ROWS: readonly OutcomeRow[] = [
  { label: 'connections lost in the quiet', kind: 'what', of: ({ lostInQuiet }) => String(lostInQuiet) },
  { label: 'first request after the quiet', kind: 'what', of: requests },
  { label: 'first reply after', kind: 'time', of: ({ firstReplySeconds }) => seconds(firstReplySeconds) },
  { label: 'loss noticed after', kind: 'time', of: ({ detectionSeconds }) => seconds(detectionSeconds) },
  {
    label: 'zombies at the end',
    kind: 'what',
    of: ({ zombies }) =>
      `client ${zombies.client}, server ${zombies.server}${zombies.middlebox > 0 ? `, middlebox ${zombies.middlebox}` : ''}`,
  },
  { label: 'keepalive probes sent', kind: 'time', of: ({ probesSent }) => String(probesSent) },
  {
    label: 'messages lost / applied twice',
    kind: 'what',
    of: ({ lostMessages, duplicatedCommands }) => `${lostMessages} / ${duplicatedCommands}`,
  },
];

/** What happened in one act, a row for each figure that people read. */
export const outcomeRows = ({ outcome }: ActResult): { label: string; kind: OutcomeRow['kind']; text: string }[] =>
  ROWS.map(({ label, kind, of }) => ({ label, kind, text: of(outcome) }));

/** The acts side by side: a table of texts, its head first. */
export const outcomeTable = (acts: readonly ActResult[]): string[][] => [
  ['', ...acts.map(({ name }) => name)],
  ...ROWS.map(({ label, of }) => [label, ...acts.map(({ outcome }) => of(outcome))]),
];

/** How many hosts of a role an act may have before their figures are told one by one. */
const ALONE = 1;

/**
 * The same by host, where an act has several clients or boxes: a table of texts, its head first; empty where the figures in all
 * say it already.
 */
export function hostTable(acts: readonly ActResult[]): string[][] {
  const several = acts.some(({ outcome: { hosts } }) => {
    const roles = Object.values(hosts).map(({ role }) => role);
    return (['client', 'middlebox'] as const).some((role) => roles.filter((each) => each === role).length > ALONE);
  });
  if (!several) return [];
  const names = [...new Set(acts.flatMap(({ outcome }) => Object.keys(outcome.hosts)))];
  const told = ({ hosts, clients }: Outcome, name: string): string => {
    const [host, client] = [hosts[name], clients[name]];
    if (host === undefined) return '–';
    const met = client === undefined ? '–' : requests(client);
    return [
      ...(host.zombies === null ? [] : [`zombies ${host.zombies}`]),
      ...(host.probesSent ? [`probes ${host.probesSent}`] : []),
      ...(met === '–' ? [] : [met]),
      ...(client === undefined || client.lostMessages === 0 ? [] : [`${client.lostMessages} lost`]),
    ].join('; ');
  };
  return [
    ['by host', ...acts.map(({ name }) => name)],
    ...names.map((name) => [name, ...acts.map(({ outcome }) => told(outcome, name))]),
  ];
}
