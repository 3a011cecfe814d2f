// Which tuning to take: the cheapest that does all that is asked, as far as it was measured; with what lies next to it on either
// side, measured too.

import { idleTimeoutText } from '../advice/rules.ts';
import { plainDuration, shortDuration } from '../base/duration.ts';
import { worst } from '../model/interval.ts';
import type { Side } from '../model/predict.ts';
import { granuleSeconds } from '../model/timer-wheel.ts';
import { demandsOn, predictCell, satisfies } from './answers.ts';
import type { Point } from './grid.ts';
import { settingsText } from './grid.ts';
import { proportion } from './proportion.ts';
import type { Alternative, CellResult, Neighbour, Recommendation, Why } from './result.ts';
import { adviceText, alternativeText, boxText, costText, demandsText, neighbourText, proxyText } from './sentences.ts';
import { cellAt, type SweepSpec, type SweptBox, type SweptCell } from './spec.ts';

/** Whether a cell does all that is asked, by the model. */
function holds(swept: SweptCell, spec: SweepSpec): 'yes' | 'maybe' | 'no' {
  return worst(...demandsOn(predictCell(swept, spec), null, spec.demands).map(({ predicted }) => predicted));
}

const cost = ({ measured, predicted }: CellResult): number =>
  measured?.cost?.bytesAnHour ?? predicted.bytesAnHour.to ?? Number.POSITIVE_INFINITY;
const detection = ({ predicted }: CellResult): number => predicted.deadPeer.client.idle.to ?? Number.POSITIVE_INFINITY;

/** The cheapest cell that does everything, measured; of equal ones that which notices a dead peer first. */
export function cheapest(cells: readonly CellResult[]): CellResult | undefined {
  return cells
    .filter((cell) => {
      const { predicted, measured } = satisfies(cell);
      return predicted === 'yes' && measured === true;
    })
    .sort((a, b) => cost(a) - cost(b) || detection(a) - detection(b))[0];
}

/** What keeps a connection alive, and so has a boundary. */
const LEVERS = ['keepIdle', 'heartbeat', 'server.keepIdle', 'server.heartbeat'];

type Boundary = Extract<Why, { kind: 'boundary' }>;

export interface Edge {
  point: Point;
  why: Boundary;
}

const LONGEST_SECONDS = 32_767;

/** Values next to a good one, where the model is certain: how far it goes on, and from where on it breaks; either way. */
export function boundary(swept: SweptCell, spec: SweepSpec): Edge[] {
  const along = LEVERS.filter((name) => (swept.point[name] ?? 0) > 0).map((lever) => boundaryAlong(lever, swept, spec));
  // Where a heartbeat suffices, keepalive decides nothing.
  return along.find((found) => found.length > 0) ?? [];
}

function boundaryAlong(lever: string, swept: SweptCell, spec: SweepSpec): Edge[] {
  const at = (value: number) => holds(cellAt(swept.box, { ...swept.point, [lever]: value }, spec), spec);
  const start = Math.round(swept.point[lever] as number);
  const longest = Math.min(LONGEST_SECONDS, Math.ceil(swept.box.middlebox.timeoutSeconds * 2));
  const found: Edge[] = [];
  const walk = (direction: Boundary['direction']) => {
    const step = direction === 'longer' ? 1 : -1;
    let last = start;
    while (last + step >= 1 && last + step <= longest && at(last + step) === 'yes') last += step;
    let broken: number | undefined;
    for (let value = last + step; broken === undefined && value >= 1 && value <= longest; value += step)
      if (at(value) === 'no') broken = value;
    if (broken === undefined) return;
    const edge = (value: number, expected: Boundary['expected']): Edge => ({
      point: { ...swept.point, [lever]: value },
      why: { kind: 'boundary', lever, direction, expected },
    });
    if (last !== start) found.push(edge(last, 'holds'));
    found.push(edge(broken, 'breaks'));
  };
  walk('longer');
  walk('shorter');
  return found;
}

const LATENESS_POINTS = 7;

/** Idle times between the last that certainly outlives the quiet and the first that certainly does not. */
function lateness({ box, point, cell }: SweptCell, spec: SweepSpec): Extra[] {
  const { keepIdle = 0 } = point;
  if (cell.client.keepalive === 'off' || box.middlebox.layer === 'L7') return [];
  const survives = (idle: number) => predictCell(cellAt(box, { ...point, keepIdle: idle }, spec), spec).survives;
  const { timeoutSeconds } = box.middlebox;
  let [last, first] = [keepIdle, Math.ceil(timeoutSeconds) + 1];
  while (last + 1 < first && survives(last + 1) === 'yes') last++;
  while (first - 1 > last && survives(first - 1) === 'no') first--;
  const points = Math.min(LATENESS_POINTS, first - last + 1);
  const values = Array.from({ length: points }, (_, index) =>
    Math.round(last + ((first - last) * index) / Math.max(1, points - 1)),
  );
  return [...new Set(values)].map((idle) => ({ box, point: { ...point, keepIdle: idle }, why: { kind: 'lateness' } }));
}

export interface Extra {
  box: SweptBox;
  point: Point;
  why: Why;
}

/** Replies are waited for so long, at most. */
const REPLY_SECONDS = 5;
/** A reply may come so many times as late as an outage lasted: what is lost in it is sent again by RTO backoff. */
const PATIENT_REPLY = 2.5;

/** What else is to be measured, for a recommendation to be certain: what a proxy needs, and the boundary. */
export function extraCells(spec: SweepSpec, cells: readonly CellResult[], swept: readonly SweptCell[]): Extra[] {
  const firstFound = spec.boxes.findIndex(
    (_, index) => cheapest(cells.filter(({ box }) => box === index)) !== undefined,
  );
  return spec.boxes.flatMap((box, index): Extra[] => {
    const mine = cells.filter((cell) => cell.box === index && cell.why === undefined);
    if (mine.every(({ measured }) => measured === null)) return [];
    const best = cheapest(mine);
    if (best !== undefined) {
      const of = swept.find(({ id }) => id === best.id) as SweptCell;
      return [
        ...boundary(of, spec).map((edge) => ({ box, ...edge })),
        // Once is enough to see how it goes.
        ...(index === firstFound ? lateness(of, spec) : []),
        ...patience(box, spec),
      ];
    }
    const found = substitute(box, spec);
    if (found === undefined) return [];
    const own = [...found, ...patience(box, spec)];
    const [first] = own;
    const edges = first === undefined ? [] : boundary(cellAt(first.box, first.point, spec), spec);
    return [...own, ...edges.map((edge) => ({ box, ...edge }))];
  });
}

const substituteBy = (by: Alternative['by']): Why => ({ kind: 'substitute', by });

/** Where nothing in the landscape does it: what the model thinks will, to be measured. */
function substitute(box: SweptBox, spec: SweepSpec): Extra[] | undefined {
  const { timeoutSeconds, layer } = box.middlebox;
  if (spec.quietSeconds < timeoutSeconds) return undefined;
  const third = Math.max(1, Math.floor(timeoutSeconds / 3));
  const reply = Math.max(1, Math.min(REPLY_SECONDS, third));
  const beat: Point = { heartbeat: third, heartbeatTimeout: reply };
  if (layer === 'L7')
    return [
      ...(spec.demands.outageSeconds >= reply
        ? [
            {
              box,
              point: { heartbeat: third, heartbeatTimeout: Math.ceil(PATIENT_REPLY * spec.demands.outageSeconds) },
              why: substituteBy('patient-heartbeat'),
            },
          ]
        : []),
      { box, point: beat, why: substituteBy('heartbeat') },
    ];
  const keepalive = searchKeepalive(box, spec);
  return keepalive === undefined ? [] : [{ box, point: keepalive, why: substituteBy('keepalive') }];
}

/** A proxy that is patient enough needs nothing else. */
function patience(box: SweptBox, spec: SweepSpec): Extra[] {
  const patient = box.middlebox.layer === 'L7' ? longer(box, spec.quietSeconds) : undefined;
  return patient === undefined ? [] : [{ box: patient, point: {}, why: substituteBy('longer-timeout') }];
}

/** The same middlebox, more patient than the quiet; undefined where its product does not allow it. */
function longer(box: SweptBox, quietSeconds: number): SweptBox | undefined {
  const seconds = Math.ceil(quietSeconds * 1.25);
  if (box.maxSeconds !== undefined && seconds > box.maxSeconds) return undefined;
  return { ...box, middlebox: { ...box.middlebox, timeoutSeconds: seconds } };
}

const INTERVALS = [75, 60, 30, 20, 10, 5, 2, 1];
const PROBES = [9, 6, 5, 4, 3, 12, 20, 30, 60, 100];

/** The cheapest keepalive that does everything by the model. */
function searchKeepalive(box: SweptBox, spec: SweepSpec): Point | undefined {
  for (let idle = Math.ceil(box.middlebox.timeoutSeconds); idle >= 1; idle = idle > 60 ? idle - 5 : idle - 1)
    for (const interval of INTERVALS)
      for (const probes of PROBES) {
        const point = { keepIdle: idle, keepInterval: interval, keepProbes: probes };
        if (holds(cellAt(box, point, spec), spec) === 'yes') return point;
      }
  return undefined;
}

/** "300 s (idle) + 16.4 s (lateness at HZ 250) + 2 × 10.3 s (interval, for lost probes) = 337 s < 350 s: 13 s to spare". */
export function marginText(
  { client }: Pick<CellResult, 'client'>,
  timeoutSeconds: number,
  { demands, hz }: Pick<SweepSpec, 'demands' | 'hz'>,
): string | null {
  const { keepalive, heartbeatSeconds } = client as Side;
  if (heartbeatSeconds !== undefined && heartbeatSeconds < timeoutSeconds)
    return `heartbeat ${shortDuration(heartbeatSeconds)}, patience ${shortDuration(timeoutSeconds)}: ${plainDuration(timeoutSeconds - heartbeatSeconds)} to spare`;
  if (keepalive === 'off') return null;
  const { idleSeconds, intervalSeconds } = keepalive;
  const gap = Math.max(idleSeconds, intervalSeconds);
  const late = granuleSeconds(gap, hz);
  const each = intervalSeconds + granuleSeconds(intervalSeconds, hz);
  const sum = gap + late + demands.lost * each;
  const losses = demands.lost === 0 ? '' : ` + ${demands.lost} × ${plainDuration(each)} (interval, for lost probes)`;
  return `${plainDuration(gap)} (idle) + ${plainDuration(late)} (lateness at HZ ${hz})${losses} = ${plainDuration(sum)} < ${plainDuration(timeoutSeconds)}: ${plainDuration(timeoutSeconds - sum)} to spare`;
}

const isBroken = ({ measured }: CellResult['demands'][0]): boolean => measured !== null && measured.yes < measured.of;

/** What became of a cell next to the best. */
function neighbourOf(cell: CellResult, { direction, expected }: Boundary): Neighbour {
  const { demands, measured } = cell;
  const failed = demands.flatMap(({ demand, measured: seen }) =>
    seen !== null && seen.yes < seen.of ? [{ demand, measured: seen }] : [],
  );
  const whole = measured !== null && demands.every((each) => each.measured !== null && each.measured.of > 0);
  const seen = measured !== null && failed.length > 0 ? 'breaks' : whole ? 'holds' : 'not-measured';
  const neighbour = { cell: cell.id, direction, expected, seen, failed } as const;
  return { ...neighbour, says: neighbourText(neighbour, measured?.survives ?? proportion(0, 0)) };
}

/** Another way than the recommended one. */
function alternativeOf(cell: CellResult, by: Alternative['by']): Alternative {
  const missing = cell.demands.filter((each) => each.predicted !== 'yes' || isBroken(each)).map(({ demand }) => demand);
  const alternative = { cell: cell.id, by, missing };
  return { ...alternative, says: alternativeText(alternative, cell) };
}

/** In words: what to configure behind one middlebox. Settings are added later. */
export function recommend(spec: SweepSpec, cells: readonly CellResult[], index: number): Recommendation {
  const box = spec.boxes[index] as SweptBox;
  const mine = cells.filter((cell) => cell.box === index);
  const landscape = mine.filter(({ why }) => why === undefined);
  const substitutes = mine.flatMap((cell) => (cell.why?.kind === 'substitute' ? [{ cell, by: cell.why.by }] : []));
  const { timeoutSeconds, layer } = box.middlebox;
  const patient = longer(box, spec.quietSeconds);
  const remedy = (patient && box.remedy && idleTimeoutText(box.remedy, patient.middlebox.timeoutSeconds)) ?? null;
  const base = { box: index, remedy, settings: [], alternatives: [] as Alternative[] };
  const nothing = { cell: null, margin: null, neighbours: [] };
  if (landscape.every(({ measured }) => measured === null) && mine.every(({ measured }) => measured === null))
    return {
      ...base,
      ...nothing,
      verdict: 'none',
      sentence: `Behind ${boxText(box)} nothing was measured: there is no recommendation.`,
    };
  if (spec.quietSeconds < timeoutSeconds)
    return {
      ...base,
      ...nothing,
      verdict: 'not-needed',
      sentence: `${boxText(box)} remembers longer than a quiet of ${plainDuration(spec.quietSeconds)}: nothing needs to be set.`,
    };
  const own = cheapest(landscape);
  const best = own ?? cheapest(substitutes.flatMap(({ cell, by }) => (by === 'longer-timeout' ? [] : [cell])));
  const neighbours = mine.flatMap((cell) => (cell.why?.kind === 'boundary' ? [neighbourOf(cell, cell.why)] : []));
  const proxy = layer === 'L7';
  const alternatives = substitutes
    .filter(
      ({ cell }) => cell !== best && cell.measured !== null && cell.measured.survives.yes === cell.measured.survives.of,
    )
    .map(({ cell, by }) => alternativeOf(cell, by));
  const tcpFails = proxy && landscape.some(({ client }) => client.keepalive !== 'off');
  const failed = tcpFails ? proxyText(box) : '';
  if (best === undefined)
    return {
      ...base,
      ...nothing,
      alternatives,
      verdict: proxy ? 'no-tcp-setting' : 'none',
      sentence: `${failed}Behind ${boxText(box)} nothing that was measured does all that is asked (${demandsText(spec)}).`,
    };
  return {
    ...base,
    alternatives,
    verdict: tcpFails && own === undefined ? 'no-tcp-setting' : 'found',
    sentence: `${failed}Behind ${boxText(box)}${tcpFails ? '' : ','} ${adviceText(best, spec)}`,
    cell: best.id,
    margin: marginText(best, timeoutSeconds, spec),
    neighbours,
  };
}

/** One tuning for all middleboxes that forget within the quiet: the cheapest that does everything behind each. */
export function recommendForAll(
  spec: SweepSpec,
  cells: readonly CellResult[],
): { sentence: string; cells: string[] } | null {
  const forgetful = [...spec.boxes.keys()].filter(
    (index) => (spec.boxes[index] as SweptBox).middlebox.timeoutSeconds <= spec.quietSeconds,
  );
  // Whether one patience or another is a question of one product, not of all at once.
  if (new Set(forgetful.map((index) => spec.boxes[index]?.profile)).size < 2) return null;
  const groups = Map.groupBy(
    cells.filter(({ why, box }) => why === undefined && forgetful.includes(box)),
    ({ point }) => JSON.stringify(point),
  );
  const [best] = [...groups.values()]
    .filter(
      (group) =>
        group.length === forgetful.length &&
        group.every((cell) => satisfies(cell).measured === true && satisfies(cell).predicted === 'yes'),
    )
    .sort(
      (a, b) =>
        cost(a[0] as CellResult) - cost(b[0] as CellResult) ||
        detection(a[0] as CellResult) - detection(b[0] as CellResult),
    );
  const [first] = best ?? [];
  const names = [
    ...Map.groupBy(
      forgetful.map((index) => spec.boxes[index] as SweptBox),
      ({ profile }) => profile,
    ),
  ].map(
    ([profile, boxes]) =>
      `${profile} (${boxes.map(({ middlebox }) => shortDuration(middlebox.timeoutSeconds)).join(', ')})`,
  );
  const who = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  if (best === undefined || first === undefined)
    return { sentence: `No one tuning of this landscape does all that is asked behind each of ${who}.`, cells: [] };
  return {
    sentence: `Behind each of ${who}, set ${settingsText(first.point)}: ${demandsText(spec)}; ${costText(first)}.`,
    cells: best.map(({ id }) => id),
  };
}
