import { formatDuration } from '../../base/duration.ts';
import { forTerminalAll, withoutCommands } from '../../base/escape/terminal.ts';
import { oneLine } from '../../base/escape/visible.ts';
import type { ActResult, Finding, Result } from '../../judge/result.ts';
import { boxLines } from '../box-text.ts';
import { drawLadder } from '../draw-ladder.ts';
import { COLORS, MARKS } from '../marks.ts';
import { hostTable, outcomeTable } from '../outcome-rows.ts';
import type { Reporter } from '../reporter.ts';
import { hang, type Paint, painter, paragraphs, wrap } from '../text.ts';

/** Prose is hard to read in longer lines. */
const PROSE = 110;

function title(text: string, columns: number, paint: Paint): string[] {
  const width = Math.min(columns, PROSE + 10);
  const lines = wrap(text, width - 3);
  return lines.map((line, index) => {
    const rule = index === lines.length - 1 ? '━'.repeat(Math.max(0, width - line.length - 4)) : '';
    return `${paint('dim', '━━')} ${paint('bold', line)}${rule === '' ? '' : ` ${paint('dim', rule)}`}`;
  });
}

/** Pointers as a reader would look them up: "packets 15, 18; mq-1 at 7.077 s". */
function pointersText(evidence: Finding['evidence']): string {
  const packets = evidence.flatMap((pointer) => ('packet' in pointer ? [pointer.packet] : []));
  const places = evidence.flatMap((pointer) => {
    if ('packet' in pointer) return [];
    const [[kind, host]] = Object.entries(pointer) as [[string, string]];
    return [`${kind} of ${host} at ${pointer.at.toFixed(3)} s`];
  });
  const parts = [
    ...(packets.length > 0 ? [`packet${packets.length === 1 ? '' : 's'} ${packets.join(', ')}`] : []),
    ...new Set(places),
  ];
  return parts.join('; ') || 'none';
}

/** @param told remedies that the reader has seen already: they are not repeated */
function finding(each: Finding, columns: number, paint: Paint, told: Set<string>): string[] {
  const { status, title: text, expected, observed, why, remedy, evidence } = each;
  const width = Math.min(columns, PROSE);
  const labelled = (label: string, content: string) =>
    hang(`    ${label.padEnd(9)}`, content, width).map((line, index) =>
      index === 0 ? `    ${paint('dim', label.padEnd(9))}${line.slice(13)}` : line,
    );
  const fresh = remedy.filter(({ where, text: line }) => !told.has(`${where} ${line}`));
  for (const { where, text: line } of fresh) told.add(`${where} ${line}`);
  return [
    ...hang(`  ${MARKS[status]} `, text, width).map((line) => paint([COLORS[status], 'bold'], line)),
    ...(status === 'pass' ? [] : labelled('expected', expected)),
    ...labelled('observed', observed),
    ...labelled('why', why),
    ...(remedy.length > 0 && fresh.length === 0 ? labelled('fix', 'as above') : []),
    ...fresh.flatMap(({ where, text: line }, index) => {
      const [code = '', comment] = line.split(/ {2}(?=(?:#|\/\/) )/);
      return [
        ...(where === fresh[index - 1]?.where ? [] : labelled(index === 0 ? 'fix' : '', `${where}:`)),
        ...hang(' '.repeat(15), code, columns).map((part) => paint('cyan', part)),
        ...(comment === undefined ? [] : hang(' '.repeat(15), comment, width).map((part) => paint('dim', part))),
      ];
    }),
    ...labelled('evidence', pointersText(evidence)),
    '',
  ];
}

function table(rows: readonly string[][], paint: Paint, gap = 3): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row, index) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + gap),
    );
    return `  ${index === 0 ? paint('dim', cells.join('')) : cells.join('')}`.trimEnd();
  });
}

/** A table where it fits, else a block of lines for each row. */
function fitting(rows: readonly string[][], columns: number, paint: Paint): string[] {
  const drawn = table(rows, (_, text) => text);
  if (Math.max(...drawn.map((line) => line.length)) <= columns) return table(rows, paint);
  const [head, ...body] = rows as [string[], ...string[][]];
  return body.flatMap(([name, ...cells]) => [
    `  ${name}`,
    ...cells.flatMap((cell, index) => hang(`    ${(head[index + 1] ?? '').padEnd(10)} `, cell, columns)),
  ]);
}

function keepalive(act: ActResult, columns: number, paint: Paint): string[] {
  if (act.keepalive.length === 0) return [];
  const rows = act.keepalive.map(({ host, process, sockets, asked, kernel, timer }) => [
    `${host} (${process}) ×${sockets}`,
    asked,
    kernel.on ? `${kernel.idleSeconds} / ${kernel.intervalSeconds} / ${kernel.probes}` : 'SO_KEEPALIVE off',
    timer ?? 'none',
  ]);
  const legend = 'idle / interval / probes, seconds, by getsockopt; timers as ss -o and netstat -o show them';
  return [
    `  ${paint('bold', 'Keepalive: what was asked for, what the kernel has')}`,
    ...hang('  ', legend, Math.min(columns, PROSE)).map((line) => paint('dim', line)),
    ...fitting([['sockets', 'asked for', 'kernel has', 'timer'], ...rows], columns, paint),
    '',
  ];
}

function drawAct(act: ActResult, columns: number, paint: Paint): string[] {
  const told = new Set<string>();
  return [
    ...title(`${act.name}: ${act.title}`, columns, paint),
    '',
    ...act.ladders.flatMap((ladder) => [
      ...wrap(
        `connection ${ladder.connection} of ${ladder.lanes[0]?.host}, as the captures of all hosts saw it; sequence numbers are relative`,
        Math.min(columns - 2, PROSE),
      ).map((line) => paint('dim', `  ${line}`)),
      '',
      ...drawLadder(ladder, columns, paint),
      '',
    ]),
    ...keepalive(act, columns, paint),
    ...act.findings.flatMap((each) => finding(each, columns, paint, told)),
  ];
}

/** "3.9 s, 16 h 00 min on the lab's clock: 14,800 times as fast"; in real time the first part. */
export function timeText({ wallSeconds, labSeconds, speedUp }: Result): string {
  const took = formatDuration(wallSeconds);
  return speedUp < 2
    ? took
    : `${took}, ${formatDuration(labSeconds)} on the lab’s clock: ${Math.round(speedUp).toLocaleString('en')} times as fast`;
}

/** "HZ 250", of every kernel that played an act; empty where it is not known. */
export function hzText({ acts }: Result): string {
  const known = [...new Set(acts.flatMap(({ hz }) => (hz === null ? [] : [hz])))];
  return known.length > 0 ? `HZ ${known.join(' and ')}` : '';
}

export function verdictLine(result: Result): string {
  const acts = result.acts.map(({ name, verdict }) => `${name} ${verdict}`).join(', ');
  const words = {
    pass: 'what the scenario says happens did happen',
    fail: 'an expectation failed',
    inconclusive: 'the evidence does not tell',
  }[result.verdict];
  return `${result.verdict.toUpperCase()}  ${result.scenario}: ${words}${acts === '' ? '' : ` (${acts})`} in ${timeText(result)}`;
}

const pretty: Reporter = {
  about: 'ladder, findings and verdict for people (default)',
  render(given, { columns, color, folder: path }) {
    const paint = painter(color);
    const result = forTerminalAll(given);
    const folder = oneLine(path);
    const width = Math.min(columns, PROSE);
    const lines = [
      '',
      `${paint('bold', result.title)}  ${paint('dim', `${[result.scenario, result.engine, hzText(result)].filter(Boolean).join(' · ')}`)}`,
      ...boxLines(result)
        .flatMap((line) => wrap(line, width))
        .map((line) => paint('dim', line)),
      '',
      ...paragraphs(result.story).flatMap((part) => [...wrap(part, width), '']),
      ...result.acts.flatMap((act) => drawAct(act, columns, paint)),
      ...(result.acts.length > 0
        ? [...title('side by side', columns, paint), '', ...fitting(outcomeTable(result.acts), columns, paint), '']
        : []),
      ...(hostTable(result.acts).length > 0 ? [...fitting(hostTable(result.acts), columns, paint), ''] : []),
      ...(result.problem
        ? [
            ...hang('? ', `${result.problem.code}: ${result.problem.message}`, width),
            ...hang('  what to do: ', result.problem.todo, width),
            '',
          ]
        : []),
      ...hang(`${MARKS[result.verdict]} `, verdictLine(result), columns).map((line) =>
        paint([COLORS[result.verdict], 'bold'], line),
      ),
      `  ${paint('dim', 'evidence')}  ${folder}`,
      `  ${paint('dim', 'packets')}   wireshark ${folder}/capture.pcapng`,
      `  ${paint('dim', 'page')}      ${folder}/report.html`,
      ...(result.next ? [`  ${paint('dim', 'next')}      npm run scenario -- ${result.next}`] : []),
      '',
    ];
    return withoutCommands(lines.join('\n'));
  },
};
export default pretty;
