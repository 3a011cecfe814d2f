// The charts of a sweep, as SVG in the colours of the page around them (its custom properties), drawn by Vega without a browser.
import { plainDuration, shortDuration } from '../../base/duration.ts';
import type { CellResult, SweepResult } from '../../sweep/result.ts';
import { CONNECTIONS } from '../../sweep/sentences.ts';
import { bytesText, doesAll, landscapeOf, type State, settingNames, settingText, stateOf } from './say.ts';

export interface Chart {
  svg: string;
  /** For whoever does not see it: the same in words. */
  says: string;
}

/** Stand for the page's colours in Vega, which wants real ones; replaced in the SVG. */
const COLORS = {
  ink: '#010203',
  soft: '#010204',
  line: '#010205',
  good: '#010206',
  warn: '#010207',
  bad: '#010208',
  none: '#010209',
  accent: '#01020a',
  page: '#01020b',
} as const;

const FONT = 'system-ui, "Noto Sans", "DejaVu Sans", sans-serif';
const CONFIG = {
  background: 'transparent',
  font: FONT,
  aria: false,
  axis: {
    labelColor: COLORS.soft,
    titleColor: COLORS.soft,
    titleFontWeight: 'normal',
    domainColor: COLORS.line,
    tickColor: COLORS.line,
    gridColor: COLORS.line,
    labelFontSize: 12,
    titleFontSize: 12,
  },
  legend: {
    labelColor: COLORS.ink,
    titleColor: COLORS.soft,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 0,
    titleLimit: 0,
  },
  header: { labelColor: COLORS.ink, titleColor: COLORS.soft, labelFontSize: 12 },
  view: { stroke: COLORS.line },
  text: { color: COLORS.ink },
} as const;

async function draw(spec: object): Promise<string> {
  const [{ compile }, { parse, View }] = await Promise.all([import('vega-lite'), import('vega')]);
  const compiled = compile({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config: CONFIG,
    ...spec,
  } as never);
  const view = new View(parse(compiled.spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return Object.entries(COLORS)
    .reduce((text, [name, color]) => text.replaceAll(color, `var(--${name})`), svg)
    .replace('<svg ', '<svg aria-hidden="true" focusable="false" ')
    .replace(/ (?:xmlns:xlink|version)="[^"]*"/g, '');
}

const SIGNS: Record<State, string> = { holds: '●', sometimes: '◐', breaks: '○', unmeasured: '·' };
const STATES: Record<State, string> = {
  holds: 'outlives the quiet',
  sometimes: 'sometimes',
  breaks: 'does not',
  unmeasured: 'not measured',
};
const ORDER: State[] = ['holds', 'sometimes', 'breaks', 'unmeasured'];
const STATE_COLORS = [COLORS.good, COLORS.warn, COLORS.bad, COLORS.none];

/** The setting that goes across: keepalive's idle time where it is varied, else what has most values. */
export function acrossOf(result: SweepResult): string | undefined {
  const names = settingNames(result);
  if (
    names.includes('keepIdle') &&
    (result.axes.find(({ side, parameter }) => side === 'client' && parameter === 'keepIdle')?.values.length ?? 0) > 1
  )
    return 'keepIdle';
  const size = (name: string) => result.axes[names.indexOf(name)]?.values.length ?? 0;
  return [...names].sort((a, b) => size(b) - size(a))[0];
}

const FEW = 9;

/** Which settings survive: one small map for each combination of the others. */
export async function heatMap(result: SweepResult): Promise<Chart | undefined> {
  const across = acrossOf(result);
  const cells = landscapeOf(result);
  if (across === undefined || cells.every(({ measured }) => measured === null)) return undefined;
  const others = settingNames(result).filter((name) => name !== across);
  const varied = others.filter((name) => new Set(cells.map((cell) => settingText(cell, name))).size > 1);
  const facet = (cell: CellResult) => varied.map((name) => `${name} ${settingText(cell, name)}`).join(', ');
  const label = ({ box }: CellResult) => {
    const of = result.boxes[box];
    return of === undefined ? '' : `${of.profile} ${shortDuration(of.middlebox.timeoutSeconds)}`;
  };
  const chosen = new Set(result.recommendations.map(({ cell }) => cell));
  const values = cells.map((cell) => ({
    across: settingText(cell, across),
    box: label(cell),
    facet: facet(cell) || ' ',
    state: STATES[stateOf(cell)],
    sign: SIGNS[stateOf(cell)],
    all: doesAll(cell),
    chosen: chosen.has(cell.id),
    edge: false as boolean,
    says: `${cell.id}: ${cell.measured ? `${cell.measured.survives.yes} of ${cell.measured.survives.of}` : 'not measured'}`,
  }));
  // The frontier: the last cell of a row that the model is sure of.
  const rows = Map.groupBy(
    cells.map((cell, index) => ({ cell, value: values[index] as (typeof values)[0] })),
    ({ value }) => `${value.box} ${value.facet}`,
  );
  for (const row of rows.values()) {
    const last = row.filter(({ cell }) => cell.predicted.survives === 'yes' && (cell.point[across] ?? 0) > 0).at(-1);
    if (last !== undefined && last !== row.at(-1)) last.value.edge = true;
  }
  const acrossValues = [...new Set(values.map((value) => value.across))];
  const boxes = [...new Set(values.map(({ box }) => box))];
  const facets = [...new Set(values.map((value) => value.facet))];
  const [x, y] = [
    {
      field: 'across',
      type: 'ordinal',
      sort: acrossValues,
      title: across,
      axis: { labelAngle: acrossValues.length > FEW ? -45 : 0 },
    },
    { field: 'box', type: 'ordinal', sort: boxes, title: null, axis: { labelLimit: 0 } },
  ] as const;
  const svg = await draw({
    data: { values },
    facet: {
      field: 'facet',
      type: 'ordinal',
      sort: facets,
      title: null,
      header: { labelAnchor: 'start', labelPadding: 4 },
    },
    columns: acrossValues.length > FEW || boxes.length > FEW ? 1 : 2,
    spec: {
      width: { step: Math.max(26, Math.min(44, 640 / acrossValues.length)) },
      height: { step: 26 },
      layer: [
        {
          mark: { type: 'rect', stroke: COLORS.page, strokeWidth: 1, tooltip: { content: 'data' } },
          encoding: {
            x,
            y,
            fill: {
              field: 'state',
              type: 'nominal',
              scale: { domain: ORDER.map((state) => STATES[state]), range: STATE_COLORS },
              legend: { title: null, orient: 'top', symbolType: 'square' },
            },
            fillOpacity: { condition: { test: 'datum.all', value: 0.85 }, value: 0.4 },
          },
        },
        { mark: { type: 'text', fontSize: 12, color: COLORS.ink }, encoding: { x, y, text: { field: 'sign' } } },
        {
          transform: [{ filter: 'datum.edge' }],
          mark: { type: 'rule', strokeWidth: 3, color: COLORS.ink },
          encoding: {
            x: { ...x, bandPosition: 1 },
            y: { ...y, bandPosition: 0 },
            y2: { field: 'box', bandPosition: 1 },
          },
        },
        {
          transform: [{ filter: 'datum.chosen' }],
          mark: { type: 'rect', filled: false, stroke: COLORS.accent, strokeWidth: 3 },
          encoding: { x, y },
        },
      ],
    },
    resolve: { scale: { x: 'shared', y: 'shared' } },
  });
  const held = cells.filter((cell) => stateOf(cell) === 'holds').length;
  const all = cells.filter(doesAll).length;
  return {
    svg,
    says: `${held} of ${cells.length} settings outlived the quiet every time, ${all} do everything that is asked (deep colour). The thick line is where the model stops being sure; the frame is the recommendation.`,
  };
}

const MOST_POINTS = 1500;

/** What a tuning costs against how soon it notices a dead peer. */
export async function costChart(result: SweepResult): Promise<Chart | undefined> {
  const chosen = new Set(result.recommendations.map(({ cell }) => cell));
  const points = result.cells.flatMap((cell) => {
    const { measured } = cell;
    const noticed = measured?.deadPeer.client.idle?.times.at(-1);
    if (!measured?.cost || noticed === undefined || measured.cost.bytesAnHour <= 0) return [];
    return [
      {
        id: cell.id,
        noticed: noticed / 60,
        bytes: measured.cost.bytesAnHour * CONNECTIONS,
        safe: doesAll(cell) ? 'does all that is asked' : 'does not',
        chosen: chosen.has(cell.id),
      },
    ];
  });
  if (points.length < 2) return undefined;
  const safe = points.filter((point) => point.safe === 'does all that is asked');
  // Who costs less and notices sooner than others: the front of what is safe.
  const front: typeof safe = [];
  for (const point of safe.sort((a, b) => a.noticed - b.noticed || a.bytes - b.bytes))
    if (point.bytes < (front.at(-1)?.bytes ?? Number.POSITIVE_INFINITY)) front.push(point);
  const axes = {
    x: {
      field: 'noticed',
      type: 'quantitative',
      title: 'an idle client notices a dead peer after, minutes',
      scale: { type: 'log', nice: false },
      axis: { grid: false, format: '~g', tickCount: 8 },
    },
    y: {
      field: 'bytes',
      type: 'quantitative',
      title: `bytes an hour for ${CONNECTIONS.toLocaleString('en')} connections`,
      scale: { type: 'log', nice: false },
      axis: { grid: true, format: '~s', tickCount: 6 },
    },
  };
  const unique = [
    ...new Map(
      points.map((point) => [`${point.noticed.toFixed(2)} ${point.bytes} ${point.safe} ${point.chosen}`, point]),
    ).values(),
  ];
  const svg = await draw({
    width: 600,
    height: 320,
    layer: [
      {
        data: { values: front },
        mark: { type: 'line', interpolate: 'step-after', color: COLORS.good, strokeWidth: 2 },
        encoding: axes,
      },
      {
        data: { values: unique.slice(0, MOST_POINTS) },
        mark: { type: 'point', size: 60, filled: true, opacity: 0.8 },
        encoding: {
          ...axes,
          color: {
            field: 'safe',
            type: 'nominal',
            scale: { domain: ['does all that is asked', 'does not'], range: [COLORS.good, COLORS.bad] },
            legend: { title: null, orient: 'top' },
          },
          shape: {
            field: 'safe',
            type: 'nominal',
            scale: { domain: ['does all that is asked', 'does not'], range: ['circle', 'cross'] },
            legend: { title: null, orient: 'top' },
          },
        },
      },
      {
        data: { values: points.filter((point) => point.chosen) },
        mark: { type: 'point', size: 220, stroke: COLORS.accent, strokeWidth: 3, filled: false },
        encoding: axes,
      },
    ],
  });
  const [best] = points.filter((point) => point.chosen);
  return {
    svg,
    says: `${safe.length} of ${points.length} measured tunings do all that is asked; the line joins those that no other beats in both. ${best ? `The ring: ${bytesText(best.bytes)} an hour for ${CONNECTIONS.toLocaleString('en')} connections, a dead peer noticed after ${plainDuration(best.noticed * 60)}.` : ''}`,
  };
}

/** How often connections outlive the quiet, the nearer the first probe comes to the patience. */
export async function survivalChart(result: SweepResult): Promise<Chart | undefined> {
  const lateness = result.cells.filter(({ why }) => why?.kind === 'lateness');
  const [first] = lateness;
  const box = first && result.boxes[first.box];
  if (first === undefined || box === undefined) return undefined;
  const near = [
    ...lateness,
    ...landscapeOf(result).filter(
      (cell) =>
        cell.box === first.box &&
        cell.measured !== null &&
        Object.entries(first.point).every(([name, value]) => name === 'keepIdle' || cell.point[name] === value),
    ),
  ];
  const timeout = box.middlebox.timeoutSeconds;
  const values = near
    .flatMap(({ point, measured, predicted }) =>
      measured === null || !(point.keepIdle && point.keepIdle > timeout * 0.7 && point.keepIdle < timeout * 1.15)
        ? []
        : [
            {
              idle: point.keepIdle,
              share: measured.survives.yes / measured.survives.of,
              low: measured.survives.low,
              high: measured.survives.high,
              predicted: predicted.survives,
            },
          ],
    )
    .sort((a, b) => a.idle - b.idle);
  if (values.length < 3) return undefined;
  const unsure = values.filter(({ predicted }) => predicted === 'maybe').map(({ idle }) => idle);
  const x = {
    field: 'idle',
    type: 'quantitative',
    title: `keepIdle, seconds; the middlebox forgets after ${timeout} s`,
    scale: { zero: false, nice: false, padding: 12 },
    axis: { grid: false },
  };
  const share = (field: string) => ({
    field,
    type: 'quantitative',
    title: 'part that outlived the quiet',
    scale: { domain: [0, 1] },
    axis: { format: '.0%', grid: true },
  });
  const svg = await draw({
    width: 600,
    height: 260,
    layer: [
      ...(unsure.length > 0
        ? [
            {
              data: { values: [{ from: Math.min(...unsure), to: Math.max(...unsure) }] },
              mark: { type: 'rect', color: COLORS.warn, opacity: 0.15 },
              encoding: { x: { ...x, field: 'from' }, x2: { field: 'to' } },
            },
          ]
        : []),
      {
        data: { values: [{ at: timeout }] },
        mark: { type: 'rule', color: COLORS.bad, strokeDash: [5, 4] },
        encoding: { x: { ...x, field: 'at' } },
      },
      {
        data: { values },
        mark: { type: 'line', color: COLORS.accent, strokeWidth: 2 },
        encoding: { x, y: share('share') },
      },
      {
        data: { values },
        mark: { type: 'rule', color: COLORS.accent },
        encoding: { x, y: share('low'), y2: { field: 'high' } },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: 55, color: COLORS.accent },
        encoding: { x, y: share('share') },
      },
    ],
  });
  return {
    svg,
    says: `${values.map(({ idle, share: part }) => `${idle} s: ${Math.round(part * 100)} %`).join(', ')}. The bars are 95 % intervals (Wilson); in the band kernel timers decide (lateness at HZ ${result.hz}); the dashed line is the patience.`,
  };
}

/** Every time that was measured, with the interval that was predicted for it. */
export async function agreementChart(result: SweepResult): Promise<Chart | undefined> {
  const seen = new Set<string>();
  const values = result.cells.flatMap(({ predicted, measured }) =>
    (['client', 'server'] as const).flatMap((side) =>
      (['idle', 'inFlight'] as const).flatMap((what) => {
        const { from, to } = predicted.deadPeer[side][what];
        const times = measured?.deadPeer[side][what]?.times ?? [];
        if (from === null || to === null) return [];
        return times.flatMap((seconds) => {
          const key = `${from} ${to} ${seconds.toFixed(1)} ${what}`;
          if (seen.has(key)) return [];
          seen.add(key);
          return [{ from, to, middle: (from + to) / 2, seconds, what: what === 'idle' ? 'idle' : 'data in flight' }];
        });
      }),
    ),
  );
  if (values.length < 2) return undefined;
  const shown = values.filter((_, index) => index % Math.ceil(values.length / MOST_POINTS) === 0);
  // As far as there are times, no further.
  const domain = [
    Math.min(...shown.map(({ from, seconds }) => Math.min(from, seconds))) * 0.9,
    Math.max(...shown.map(({ to, seconds }) => Math.max(to, seconds))) * 1.1,
  ];
  const x = {
    field: 'middle',
    type: 'quantitative',
    title: 'predicted, seconds (bar: from – to)',
    scale: { type: 'log', domain },
    axis: { grid: true, format: '~s', tickCount: 6 },
  };
  const y = {
    field: 'seconds',
    type: 'quantitative',
    title: 'measured, seconds',
    scale: { type: 'log', domain },
    axis: { grid: true, format: '~s', tickCount: 6 },
  };
  const ends = [Math.min(...shown.map(({ from }) => from)), Math.max(...shown.map(({ to }) => to))];
  const svg = await draw({
    width: 600,
    height: 300,
    layer: [
      {
        data: { values: ends.map((end) => ({ middle: end, seconds: end })) },
        mark: { type: 'line', color: COLORS.soft, strokeDash: [4, 4] },
        encoding: { x, y },
      },
      {
        data: { values: shown },
        mark: { type: 'rule', color: COLORS.accent, opacity: 0.5 },
        encoding: { x: { ...x, field: 'from' }, x2: { field: 'to' }, y },
      },
      {
        data: { values: shown },
        mark: { type: 'point', filled: true, size: 40 },
        encoding: {
          x,
          y,
          shape: { field: 'what', type: 'nominal', legend: { title: 'a dead peer is noticed', orient: 'top' } },
          color: {
            field: 'what',
            type: 'nominal',
            scale: { range: [COLORS.good, COLORS.accent] },
            legend: { title: 'a dead peer is noticed', orient: 'top' },
          },
        },
      },
    ],
  });
  const inside = values.filter(({ from, to, seconds }) => seconds >= from - 1 && seconds <= to + 1).length;
  return { svg, says: `${inside} of ${values.length} different times lie within what was predicted, to a second.` };
}
