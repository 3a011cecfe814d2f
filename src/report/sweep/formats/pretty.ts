import { forTerminalAll, withoutCommands } from '../../../base/escape/terminal.ts';
import { oneLine } from '../../../base/escape/visible.ts';
import type { SweepResult } from '../../../sweep/result.ts';
import { whereText } from '../../../sweep/sentences.ts';
import { COLORS, MARKS } from '../../marks.ts';
import { painter, wrap } from '../../text.ts';
import type { SweepReporter } from '../reporter.ts';
import {
  boxName,
  bytesText,
  disagreementText,
  headline,
  howMeasured,
  inOrder,
  landscapeOf,
  noticedText,
  settingNames,
  settingText,
  share,
  stateOf,
  tuningOf,
} from '../say.ts';

const SIGNS = { holds: '●', sometimes: '◐', breaks: '○', unmeasured: '·' } as const;
const STATE_COLORS = { holds: 'green', sometimes: 'yellow', breaks: 'red', unmeasured: 'dim' } as const;
const MOST_DISAGREEMENTS = 10;
const WIDEST = 110;
/** A table of more rows is in the page and the CSV file. */
const MOST_ROWS = 40;

type Paint = ReturnType<typeof painter>;

/** The axis that has most values goes across; every other combination is a row. */
function landscape(result: SweepResult, box: number, paint: Paint, columns: number): string[] {
  const cells = landscapeOf(result).filter((cell) => cell.box === box);
  const names = settingNames(result);
  const across = [...names].sort((a, b) => valuesOf(result, b).length - valuesOf(result, a).length)[0];
  if (across === undefined || cells.every(({ measured }) => measured === null)) return [];
  const rest = names.filter((name) => name !== across);
  const rows = new Map<string, typeof cells>();
  for (const cell of cells) {
    const key = rest.map((name) => `${name} ${settingText(cell, name)}`).join(', ');
    rows.set(key, [...(rows.get(key) ?? []), cell]);
  }
  const widest = Math.max(...[...rows.keys()].map((key) => key.length), across.length);
  const width = Math.max(...cells.map((cell) => settingText(cell, across).length)) + 1;
  const fits = Math.max(1, Math.floor((columns - widest - 4) / width));
  const values = cells.filter((cell) => [...rows.values()][0]?.includes(cell)).map((cell) => settingText(cell, across));
  const lines: string[] = [];
  for (let from = 0; from < values.length; from += fits) {
    lines.push(
      `  ${paint('dim', across.padEnd(widest))}  ${paint(
        'dim',
        values
          .slice(from, from + fits)
          .map((value) => value.padStart(width))
          .join(''),
      )}`,
      ...[...rows].slice(0, MOST_ROWS).map(
        ([key, row]) =>
          `  ${key.padEnd(widest)}  ${row
            .slice(from, from + fits)
            .map((cell) => `${' '.repeat(width - 1)}${paint(STATE_COLORS[stateOf(cell)], SIGNS[stateOf(cell)])}`)
            .join('')}`,
      ),
    );
  }
  if (rows.size > MOST_ROWS)
    lines.push(paint('dim', `  … ${rows.size - MOST_ROWS} more rows in report.html and cells.csv`));
  return lines;
}

const valuesOf = ({ axes }: SweepResult, name: string): readonly number[] =>
  axes.find(({ side, parameter }) => (side === 'server' ? `server.${parameter}` : parameter) === name)?.values ?? [];

/** Columns of the best cell, in words. */
function best(result: SweepResult, id: string): string[] {
  const cell = result.cells.find((each) => each.id === id);
  const measured = cell?.measured;
  if (!measured) return [];
  const outages = Object.entries(measured.outage).map(([seconds, proportion]) => `${seconds} s ${share(proportion)}`);
  const lost = Object.entries(measured.lost).map(([number, proportion]) => `${number}: ${share(proportion)}`);
  return [
    `quiet ${share(measured.survives)}; lost probes ${lost.join(', ') || '–'}; outages ${outages.join(', ')}`,
    `dead peer, idle: client ${noticedText(measured.deadPeer.client.idle)}, server ${noticedText(measured.deadPeer.server.idle)}`,
    `dead peer, data in flight: client ${noticedText(measured.deadPeer.client.inFlight)}, server ${noticedText(measured.deadPeer.server.inFlight)}`,
    ...(measured.cost
      ? [`cost: ${measured.cost.packetsAnHour} packets, ${bytesText(measured.cost.bytesAnHour)} an hour and connection`]
      : []),
  ];
}

const pretty: SweepReporter = {
  about: 'for a terminal',
  render(given, { columns, color, folder }) {
    const paint = painter(color);
    const result = forTerminalAll(given);
    const width = Math.min(WIDEST, columns);
    const lines: string[] = [];
    const say = (text: string, indent = 0, style?: Parameters<Paint>[0]) =>
      lines.push(
        ...wrap(text, width - indent).map((line) => `${' '.repeat(indent)}${style ? paint(style, line) : line}`),
      );
    lines.push(paint('bold', result.title), '');
    if (result.disagreements.length > 0) {
      say(`✖ ${disagreementText(result.disagreements)}:`, 0, 'red');
      for (const { trial, predicted, measured } of result.disagreements.slice(0, MOST_DISAGREEMENTS)) {
        say(trial, 2);
        say(`predicted ${predicted}`, 4, 'dim');
        say(`measured  ${measured}`, 4, 'red');
      }
      if (result.disagreements.length > MOST_DISAGREEMENTS)
        say(`… ${result.disagreements.length - MOST_DISAGREEMENTS} more in result.json`, 2);
      lines.push('');
    }
    if (result.common !== null) {
      say(`▸ ${result.common.sentence}`, 0, 'bold');
      lines.push('');
    }
    for (const recommendation of inOrder(result)) {
      const found = recommendation.cell !== null || recommendation.verdict === 'not-needed';
      say(`${found ? '▸' : '▹'} ${recommendation.sentence}`, 0, 'bold');
      if (recommendation.margin !== null) say(`margin: ${recommendation.margin}`, 2);
      if (recommendation.cell !== null) for (const line of best(result, recommendation.cell)) say(line, 2, 'dim');
      for (const neighbour of recommendation.neighbours)
        say(`${whereText(neighbour)}: ${tuningOf(result, neighbour.cell)}: ${neighbour.says}`, 2);
      for (const { cell, says } of recommendation.alternatives) say(`or ${tuningOf(result, cell)}: ${says}`, 2);
      if (recommendation.remedy !== null) say(`the box itself: ${recommendation.remedy.replaceAll('\n', '; ')}`, 2);
      const grid = landscape(result, recommendation.box, paint, width);
      if (grid.length > 0) {
        lines.push('');
        say(
          `behind ${boxName(result, recommendation.box)}: ● outlives the quiet  ◐ sometimes  ○ does not  · not measured`,
          2,
          'dim',
        );
        lines.push(...grid);
      }
      lines.push('');
    }
    if (result.traps.length > 0) {
      lines.push(paint('bold', 'Traps that were seen'));
      for (const { title, why, seen } of result.traps) {
        say(`▲ ${title}`, 2, 'yellow');
        say(why, 4);
        say(seen, 4, 'dim');
      }
      lines.push('');
    }
    for (const problem of result.problems.slice(0, MOST_DISAGREEMENTS)) say(`? ${problem}`, 0, 'yellow');
    for (const line of howMeasured(result)) say(line, 0, 'dim');
    const verdict = `${MARKS[result.verdict]} ${result.verdict.toUpperCase()}`;
    lines.push('', paint(COLORS[result.verdict], verdict));
    // What scrolled away is said once more.
    say(headline(result), 0, 'bold');
    say(`landscape, settings to paste, every cell: ${oneLine(folder)}/report.html`);
    return withoutCommands(`${lines.join('\n')}\n`);
  },
};
export default pretty;
