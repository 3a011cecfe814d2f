import { formatDuration } from '../base/duration.ts';
import type { Ladder, LadderRow } from '../judge/result.ts';
import { flagText } from '../wire/segments.ts';
import { clockText, type Paint, wrap } from './text.ts';
import { isBad, packetTone, type Tone } from './tone.ts';

type PacketRow = Extract<LadderRow, { kind: 'packet' }>;

const COLORS: Record<Tone, Parameters<Paint>[0]> = {
  bad: 'red',
  again: 'magenta',
  beat: 'cyan',
  fin: 'yellow',
  syn: 'green',
  data: 'white',
};

const TIME_WIDTH = 11;
/** Half of the longest state that stands beside the first lane. */
const MARGIN = 5;
/** Room that labels like to have before lanes move apart. */
const LABEL_ROOM = 46;
const NARROWEST = 11;
const WIDEST = 18;
/** Less room than this for labels, and lanes stand closer than names and states are wide. */
const LEAST_LABEL = 16;
/** Where lanes stand close: the margin beside them, the room for labels, and the least that an arrow takes. */
const CLOSE = { margin: 3, label: 26, least: 4 } as const;

interface Sheet {
  width: number;
  /** Whether lanes are closer than states are wide: these stand in the label then, and names on two lines. */
  close: boolean;
  lanes: { host: string; x: number }[];
  labelAt: number;
  paint: Paint;
}

/** Names that say no more than flags and length do. */
const SAID_BY_FLAGS: ReadonlySet<PacketRow['name']> = new Set([
  'SYN',
  'SYN-ACK',
  'handshake ACK',
  'handshake',
  'data',
  'ack',
  'fin',
  'reset',
] as const);

/** The label of a packet: flags, relative sequence numbers, and what it is called where that says more. */
export function packetLabel(row: PacketRow, width = Number.POSITIVE_INFINITY): string {
  const named = !SAID_BY_FLAGS.has(row.name);
  const ack = row.flags.includes('A') && !row.flags.includes('S') ? [`ack ${row.ack}`] : [];
  const length = row.length > 0 ? [`len ${row.length}`] : [];
  const flags = flagText(row.flags);
  const versions = [
    [...(named ? [`${row.name}:`] : []), flags, `seq ${row.seq}`, ...ack, ...length],
    // Narrow: the name says what the flags and the acknowledgement would.
    [named ? row.name : flags, `seq ${row.seq}`, ...length],
  ].map((words) => words.join(' '));
  return versions.find((version) => version.length <= width) ?? (versions.at(-1) as string);
}

function sheetFor(ladder: Ladder, columns: number, paint: Paint): Sheet {
  const gaps = Math.max(1, ladder.lanes.length - 1);
  const room = columns - TIME_WIDTH - 2 * MARGIN - LABEL_ROOM - 2;
  const gap = Math.max(NARROWEST, Math.min(WIDEST, Math.floor(room / gaps)));
  const place = (step: number, margin: number, close: boolean): Sheet => ({
    width: columns,
    close,
    lanes: ladder.lanes.map(({ host }, index) => ({ host, x: TIME_WIDTH + margin + index * step })),
    labelAt: TIME_WIDTH + 2 * margin + gaps * step + 2,
    paint,
  });
  const wide = place(gap, MARGIN, false);
  if (columns - wide.labelAt >= LEAST_LABEL) return wide;
  const left = columns - TIME_WIDTH - 2 * CLOSE.margin - 2 - CLOSE.label;
  return place(Math.max(CLOSE.least, Math.min(NARROWEST - 1, Math.floor(left / gaps))), CLOSE.margin, true);
}

/** Text centred on every lane that has some; a lane's line elsewhere. */
function onLanes(sheet: Sheet, texts: Record<string, string>): string {
  const cells = bare(sheet);
  for (const { host, x } of sheet.lanes) {
    const gap = (sheet.lanes[1]?.x ?? x + WIDEST) - (sheet.lanes[0]?.x ?? 0);
    const text = shorter(texts[host] ?? '', gap - 1);
    const start = Math.max(TIME_WIDTH, x - Math.floor(text.length / 2));
    for (const [index, letter] of [...text].entries()) cells[start + index] = letter;
  }
  return cells.join('');
}

/** "ZOMBIE+ESTAB" in little room: "ZOMBIE +1". */
function shorter(text: string, width: number): string {
  const [first = '', ...more] = text.split('+');
  return text.length <= width || more.length === 0 ? text.slice(0, width) : `${first} +${more.length}`;
}

function bare(sheet: Sheet): string[] {
  const cells = Array.from({ length: sheet.labelAt }, () => ' ');
  for (const { x } of sheet.lanes) cells[x] = '│';
  return cells;
}

function arrow(sheet: Sheet, row: PacketRow): string {
  const cells = bare(sheet);
  const x = (host: string) => sheet.lanes.find((lane) => lane.host === host)?.x ?? (sheet.lanes[0]?.x as number);
  const [from, to] = [x(row.from), x(row.to)];
  if (from === to) {
    cells[from] = row.lost ? '✗' : '●';
    return cells.join('');
  }
  const right = to > from;
  for (let at = Math.min(from, to) + 1; at < Math.max(from, to); at++) cells[at] = cells[at] === '│' ? '┼' : '─';
  cells[from] = right ? '├' : '┤';
  cells[right ? to - 1 : to + 1] = row.lost ? '✗' : right ? '▶' : '◀';
  return cells.join('');
}

/** The columns between which a packet's arrow is drawn. */
function spanOf(sheet: Sheet, { from, to }: PacketRow): readonly [number, number] {
  const ends = sheet.lanes.filter(({ host }) => host === from || host === to).map(({ x }) => x);
  return [Math.min(...ends), Math.max(...ends)];
}

/**
 * A row with its label, which is wrapped beside the lanes, which go on.
 * @param span columns of the drawing that take the row's colour; the lanes beside them stay dim
 */
function line(
  sheet: Sheet,
  at: string,
  drawing: string,
  label: string[],
  color: Parameters<Paint>[0],
  span: readonly [number, number] = [TIME_WIDTH, sheet.labelAt],
): string[] {
  const { paint, labelAt, width } = sheet;
  const wrapped = label.flatMap((text) => wrap(text, Math.max(16, width - labelAt)));
  const time = at.padStart(TIME_WIDTH - 2).padEnd(TIME_WIDTH);
  const [from, to] = [Math.max(TIME_WIDTH, span[0]), span[1] + 1];
  const body = `${paint('dim', drawing.slice(TIME_WIDTH, from))}${paint(color, drawing.slice(from, to))}${paint('dim', drawing.slice(to))}`;
  const rest = wrapped
    .slice(1)
    .map((text) => paint('dim', `${' '.repeat(TIME_WIDTH)}${bare(sheet).join('').slice(TIME_WIDTH)}${text}`));
  return [`${paint('dim', time)}${body}${paint(color, wrapped[0] ?? '')}`.trimEnd(), ...rest];
}

function drawRow(sheet: Sheet, row: LadderRow): string[] {
  const { paint } = sheet;
  switch (row.kind) {
    case 'step':
      return [
        '',
        ...wrap(`▸ ${row.text}`, sheet.width - TIME_WIDTH).map(
          (text, index) =>
            `${paint('dim', (index === 0 ? clockText(row.at) : '').padStart(TIME_WIDTH - 2))}  ${paint('bold', text)}`,
        ),
      ];
    case 'packet':
      return line(
        sheet,
        clockText(row.at),
        arrow(sheet, row),
        [packetLabel(row, sheet.width - sheet.labelAt), ...(row.note === undefined ? [] : [`↳ ${row.note}`])],
        COLORS[packetTone(row)],
        spanOf(sheet, row),
      );
    case 'states':
      return line(
        sheet,
        clockText(row.at),
        sheet.close ? bare(sheet).join('') : onLanes(sheet, row.states),
        sheet.close ? [row.label, statesText(sheet, row.states)] : [row.label],
        row.zombies === undefined ? 'blue' : 'yellow',
      );
    case 'event':
      return line(
        sheet,
        clockText(row.at),
        onLanes(sheet, { [row.host]: '◆' }),
        [row.text],
        isBad(row) ? 'red' : 'white',
      );
    case 'fold':
      return row.packets === 0
        ? line(
            sheet,
            '',
            onLanes(sheet, Object.fromEntries(sheet.lanes.map(({ host }) => [host, '┊']))),
            [`… ${row.text} …`],
            'dim',
          )
        : line(
            sheet,
            '',
            bare(sheet).join(''),
            [`… ${row.text}${row.seconds > 0.5 ? `, ${formatDuration(row.seconds)}` : ''} …`],
            'dim',
          );
  }
}

/** Draws a ladder for a terminal of so many columns. */
export function drawLadder(ladder: Ladder, columns: number, paint: Paint): string[] {
  const sheet = sheetFor(ladder, columns, paint);
  const heads = headsOf(sheet);
  return [
    ...heads.map((head, index) =>
      `${paint('dim', (index === heads.length - 1 ? 'seconds' : '').padStart(TIME_WIDTH - 2).padEnd(TIME_WIDTH))}${paint('bold', head.slice(TIME_WIDTH).trimEnd())}`.trimEnd(),
    ),
    ...ladder.rows.flatMap((row) => drawRow(sheet, row)),
  ];
}

/** The names of the lanes: on one line, or where lanes are close every other one on a line above. */
function headsOf(sheet: Sheet): string[] {
  const gap = (sheet.lanes[1]?.x ?? 0) - (sheet.lanes[0]?.x ?? 0);
  const parts = sheet.close
    ? [sheet.lanes.filter((_, index) => index % 2 === 1), sheet.lanes.filter((_, index) => index % 2 === 0)]
    : [sheet.lanes];
  return parts.map((lanes, index) => {
    const cells = Array.from({ length: sheet.labelAt }, () => ' ');
    // Below a name of the line above its lane begins.
    if (sheet.close && index === 1) for (const { x } of parts[0] ?? []) cells[x] = '│';
    for (const { host, x } of lanes) {
      const name = host.slice(0, (sheet.close ? 2 * gap : gap) - 1);
      const start = Math.max(TIME_WIDTH, x - Math.floor(name.length / 2));
      for (const [at, letter] of [...name].entries()) cells[start + at] = letter;
    }
    return cells.join('');
  });
}

/** "web ESTAB, nat no flow": what stands on the lanes where there is room. */
const statesText = ({ lanes }: Sheet, states: Record<string, string>): string =>
  lanes.flatMap(({ host }) => (states[host] === undefined ? [] : [`${host} ${states[host]}`])).join(', ');
