import type { Ladder, LadderRow } from '../judge/result.ts';
import { formatDuration } from '../scenario/duration.ts';
import { packetLabel } from './draw-ladder.ts';
import { clockText } from './text.ts';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const html = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] as string);

const WIDTH = { time: 104, gap: 120, margin: 62 } as const;
const HEIGHT = 22;

type PacketRow = Extract<LadderRow, { kind: 'packet' }>;

function className(row: PacketRow): string {
  if (row.lost || row.flags.includes('R')) return 'bad';
  if (row.name === 'retransmission') return 'again';
  if (row.name.startsWith('keepalive')) return 'beat';
  if (row.flags.includes('F')) return 'fin';
  return row.flags.includes('S') ? 'syn' : 'data';
}

const x = (index: number) => WIDTH.time + WIDTH.margin + index * WIDTH.gap;

function drawRow(
  row: LadderRow,
  y: number,
  lane: (host: string) => number,
  hosts: readonly string[],
  labelAt: number,
  prefix: string,
): string {
  const text = (at: number, words: string, classes = '', more = '') =>
    `<text x="${at}" y="${y + 4}" class="${classes}"${more}>${html(words)}</text>`;
  const time = text(WIDTH.time - 12, clockText(row.at), 'time', ' text-anchor="end"');
  switch (row.kind) {
    case 'step':
      return `${time}${text(WIDTH.time + 4, `▸ ${row.text}`, 'step')}`;
    case 'packet': {
      const [from, to] = [x(lane(row.from)), x(lane(row.to))];
      const tip = from === to ? from : to + (to > from ? -4 : 4);
      const kind = className(row);
      const end = row.lost ? `<text x="${tip}" y="${y + 5}" class="cross" text-anchor="middle">✗</text>` : '';
      const line =
        from === to
          ? `<circle cx="${from}" cy="${y}" r="4" class="${kind}"/>`
          : `<line x1="${from}" y1="${y}" x2="${tip}" y2="${y}" class="${kind}"${row.lost ? '' : ` marker-end="url(#${prefix}${kind})"`}/>`;
      const note = row.note === undefined ? '' : text(labelAt + 12, `↳ ${row.note}`, 'note', ` dy="${HEIGHT * 0.8}"`);
      return `<g><title>${html(`packet ${row.packet} in capture.pcapng`)}</title>${time}${line}${end}<text x="${labelAt}" y="${y + 4}" class="${kind}">${html(packetLabel(row))}</text>${note}</g>`;
    }
    case 'states':
      return `${time}${hosts.map((host) => `<text x="${x(lane(host))}" y="${y + 4}" text-anchor="middle" class="state${row.states[host]?.includes('ZOMBIE') ? ' zombie' : ''}">${html(row.states[host] ?? '')}</text>`).join('')}${text(labelAt, row.label, 'label')}`;
    case 'event':
      return `${time}${text(x(lane(row.host)), '◆', /error|fail/.test(row.text) ? 'bad' : 'label', ' text-anchor="middle"')}${text(labelAt, row.text, /error|fail/.test(row.text) ? 'bad' : 'label')}`;
    case 'fold':
      return text(
        labelAt,
        `… ${row.text}${row.packets > 0 && row.seconds > 0.5 ? `, ${formatDuration(row.seconds)}` : ''} …`,
        'label',
      );
  }
}

/**
 * The ladder as SVG: lanes, arrows, states, in the colours of the page around it.
 * @param prefix of the ids in it, where a page has several
 */
export function svgLadder(ladder: Ladder, prefix = ''): string {
  const hosts = ladder.lanes.map(({ host }) => host);
  const lane = (host: string) => Math.max(0, hosts.indexOf(host));
  const labelAt = x(hosts.length - 1) + WIDTH.margin;
  const longest = Math.max(
    40,
    ...ladder.rows.map((row) => {
      if (row.kind === 'packet') return Math.max(packetLabel(row).length, (row.note?.length ?? 0) + 4);
      return row.kind === 'fold' || row.kind === 'event' ? row.text.length + 4 : 0;
    }),
  );
  const width = labelAt + Math.max(320, longest * 7.3);
  // A note takes a line of its own below its packet.
  let y = HEIGHT;
  const placed = ladder.rows.map((row) => {
    y += HEIGHT;
    const at = y;
    if (row.kind === 'packet' && row.note !== undefined) y += HEIGHT * 0.8;
    return { row, at };
  });
  const height = y + HEIGHT;
  const kinds = ['bad', 'again', 'beat', 'fin', 'syn', 'data'];
  return [
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="packets and socket states of connection ${ladder.connection}, in the order of time">`,
    `<defs>${kinds.map((kind) => `<marker id="${prefix}${kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 z" class="${kind} head"/></marker>`).join('')}</defs>`,
    ...hosts.map(
      (host, index) =>
        `<line x1="${x(index)}" y1="${HEIGHT * 1.4}" x2="${x(index)}" y2="${height - 6}" class="lane"/><text x="${x(index)}" y="${HEIGHT}" text-anchor="middle" class="host">${html(host)}</text>`,
    ),
    ...placed.map(({ row, at }) => drawRow(row, at, lane, hosts, labelAt, prefix)),
    '</svg>',
  ].join('\n');
}
