import { formatDuration } from '../base/duration.ts';
import { type Html, html } from '../base/escape/html.ts';
import type { Ladder, LadderRow } from '../judge/result.ts';
import { packetLabel } from './draw-ladder.ts';
import { clockText } from './text.ts';
import { isBad, packetTone, TONES } from './tone.ts';

const WIDTH = { time: 104, gap: 120, margin: 62 } as const;
const HEIGHT = 22;

const x = (index: number) => WIDTH.time + WIDTH.margin + index * WIDTH.gap;

function drawRow(
  row: LadderRow,
  y: number,
  lane: (host: string) => number,
  hosts: readonly string[],
  labelAt: number,
  prefix: string,
): Html {
  const text = (at: number, words: string, classes: string) =>
    html`<text x="${at}" y="${y + 4}" class="${classes}">${words}</text>`;
  const centred = (at: number, words: string, classes: string) =>
    html`<text x="${at}" y="${y + 4}" class="${classes}" text-anchor="middle">${words}</text>`;
  const time = html`<text x="${WIDTH.time - 12}" y="${y + 4}" class="time" text-anchor="end">${clockText(row.at)}</text>`;
  switch (row.kind) {
    case 'step':
      return html`${time}${text(WIDTH.time + 4, `▸ ${row.text}`, 'step')}`;
    case 'packet': {
      const [from, to] = [x(lane(row.from)), x(lane(row.to))];
      const tip = from === to ? from : to + (to > from ? -4 : 4);
      const kind = packetTone(row);
      const end = row.lost && html`<text x="${tip}" y="${y + 5}" class="cross" text-anchor="middle">✗</text>`;
      const head = !row.lost && html` marker-end="url(#${prefix}${kind})"`;
      const line =
        from === to
          ? html`<circle cx="${from}" cy="${y}" r="4" class="${kind}"/>`
          : html`<line x1="${from}" y1="${y}" x2="${tip}" y2="${y}" class="${kind}"${head}/>`;
      const note =
        row.note !== undefined &&
        html`<text x="${labelAt + 12}" y="${y + 4}" class="note" dy="${HEIGHT * 0.8}">↳ ${row.note}</text>`;
      return html`<g><title>packet ${row.packet} in capture.pcapng</title>${time}${line}${end}${text(labelAt, packetLabel(row), kind)}${note}</g>`;
    }
    case 'states':
      return html`${time}${hosts.map((host) => centred(x(lane(host)), row.states[host] ?? '', `state${row.zombies?.includes(host) ? ' zombie' : ''}`))}${text(labelAt, row.label, 'label')}`;
    case 'event': {
      const kind = isBad(row) ? 'bad' : 'label';
      return html`${time}${centred(x(lane(row.host)), '◆', kind)}${text(labelAt, row.text, kind)}`;
    }
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
 * @param prefix of the ids in it: by number, for names are a stranger's
 */
export function svgLadder(ladder: Ladder, prefix: string): Html {
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
  return html`<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="packets and socket states of connection ${ladder.connection}, in the order of time">
<defs>${TONES.map((kind) => html`<marker id="${prefix}${kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 z" class="${kind} head"/></marker>`)}</defs>
${hosts.map(
  (host, index) =>
    html`<line x1="${x(index)}" y1="${HEIGHT * 1.4}" x2="${x(index)}" y2="${height - 6}" class="lane"/><text x="${x(index)}" y="${HEIGHT}" text-anchor="middle" class="host">${host}</text>\n`,
)}${placed.map(({ row, at }) => html`${drawRow(row, at, lane, hosts, labelAt, prefix)}\n`)}</svg>`;
}
