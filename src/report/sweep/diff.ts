// What two sweeps say differently: the recommendation, what became of cells that both have, and under what conditions.
import { forTerminalAll, withoutCommands } from '../../base/escape/terminal.ts';
import type { SweepResult } from '../../sweep/result.ts';
import type { Paint } from '../text.ts';
import { settingsLine } from '../tuning-text.ts';
import { count, share, stateOf, versionsOf } from './say.ts';

export interface SweepDifference {
  kind: 'recommendation' | 'cell' | 'condition';
  what: string;
  a: string;
  b: string;
}

const differing = (kind: SweepDifference['kind'], what: string, a: string, b: string): SweepDifference[] =>
  a === b ? [] : [{ kind, what, a, b }];

/** Cells count as different where one held every time and the other did not. */
export function compareSweeps(a: SweepResult, b: SweepResult): SweepDifference[] {
  const inB = new Map(b.cells.map((cell) => [cell.id, cell]));
  const boxes = [
    ...new Set([...a.boxes, ...b.boxes].map(({ profile, middlebox }) => `${profile} ${middlebox.timeoutSeconds} s`)),
  ];
  const recommended = ({ boxes: all, recommendations }: SweepResult, name: string) => {
    const index = all.findIndex(({ profile, middlebox }) => `${profile} ${middlebox.timeoutSeconds} s` === name);
    const found = recommendations.find(({ box }) => box === index);
    return found === undefined ? 'not swept' : (found.cell ?? found.verdict);
  };
  return [
    ...boxes.flatMap((name) =>
      differing('recommendation', `behind ${name}`, recommended(a, name), recommended(b, name)),
    ),
    ...a.cells.flatMap((cell) => {
      const other = inB.get(cell.id);
      if (other === undefined || cell.measured === null || other.measured === null || stateOf(cell) === stateOf(other))
        return [];
      return differing(
        'cell',
        cell.id,
        `outlives the quiet ${share(cell.measured.survives)}`,
        `outlives the quiet ${share(other.measured.survives)}`,
      );
    }),
    ...differing('condition', 'engine', a.engine, b.engine),
    ...differing('condition', 'HZ', String(a.hz), String(b.hz)),
    ...differing('condition', 'pace', a.pace, b.pace),
    ...differing('condition', 'quiet', `${a.quietSeconds} s`, `${b.quietSeconds} s`),
    ...differing('condition', 'repeats', String(a.repeat), String(b.repeat)),
    ...differing('condition', 'asked for', settingsLine(a.demands), settingsLine(b.demands)),
    ...[...new Set([...Object.keys(versionsOf(a)), ...Object.keys(versionsOf(b))])].flatMap((name) =>
      differing('condition', name, versionsOf(a)[name] ?? 'unknown', versionsOf(b)[name] ?? 'unknown'),
    ),
    ...differing('condition', 'cells', count(a.cells.length), count(b.cells.length)),
    ...differing('condition', 'began', a.startedAt, b.startedAt),
  ];
}

const KINDS = {
  recommendation: 'What to set',
  cell: 'What became of cells',
  condition: 'Under what conditions',
} as const;
const MOST = 40;

export function renderSweepDiff(
  one: SweepResult,
  other: SweepResult,
  { paint }: { columns: number; paint: Paint },
): string {
  const [a, b] = [forTerminalAll(one), forTerminalAll(other)];
  const differences = forTerminalAll(compareSweeps(one, other));
  const lines = [paint('bold', `${a.title} (${a.startedAt}) and ${b.title} (${b.startedAt})`), ''];
  for (const kind of ['recommendation', 'cell', 'condition'] as const) {
    const mine = differences.filter((each) => each.kind === kind);
    if (mine.length === 0) {
      if (kind !== 'condition') lines.push(`${KINDS[kind]}: the same`, '');
      continue;
    }
    lines.push(paint('bold', KINDS[kind]));
    for (const { what, a: before, b: after } of mine.slice(0, MOST))
      lines.push(`  ${what}`, `    ${paint('red', `- ${before}`)}`, `    ${paint('green', `+ ${after}`)}`);
    if (mine.length > MOST) lines.push(`  … ${mine.length - MOST} more with --reporter json`);
    lines.push('');
  }
  return withoutCommands(lines.join('\n'));
}
