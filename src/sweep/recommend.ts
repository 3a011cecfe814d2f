// Which tuning to take: the cheapest that does all that is asked, as far as it was measured; with what lies next to it on either
// side, measured too.
import { worst } from '../model/interval.ts';
import type { Side } from '../model/predict.ts';
import { granuleSeconds } from '../model/timer-wheel.ts';
import { plainDuration, shortDuration } from '../scenario/duration.ts';
import { demandsOn, predictCell, satisfies } from './answers.ts';
import type { Point } from './grid.ts';
import { settingsText } from './grid.ts';
import { proportionText } from './proportion.ts';
import type { CellResult, Recommendation } from './result.ts';
import { cellAt, type SweepSpec, type SweptBox, type SweptCell } from './spec.ts';
import { bytesText } from './words.ts';

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

interface Neighbour {
  point: Point;
  where: string;
  expected: 'holds' | 'breaks';
}

const LONGEST_SECONDS = 32_767;

/** Values next to a good one, where the model is certain: how far it goes on, and from where on it breaks; either way. */
export function boundary(swept: SweptCell, spec: SweepSpec): Neighbour[] {
  const along = LEVERS.filter((name) => (swept.point[name] ?? 0) > 0).map((lever) => boundaryAlong(lever, swept, spec));
  // Where a heartbeat suffices, keepalive decides nothing.
  return along.find((found) => found.length > 0) ?? [];
}

function boundaryAlong(lever: string, swept: SweptCell, spec: SweepSpec): Neighbour[] {
  const at = (value: number) => holds(cellAt(swept.box, { ...swept.point, [lever]: value }, spec), spec);
  const start = Math.round(swept.point[lever] as number);
  const longest = Math.min(LONGEST_SECONDS, Math.ceil(swept.box.middlebox.timeoutSeconds * 2));
  const found: Neighbour[] = [];
  const walk = (step: 1 | -1, where: string) => {
    let last = start;
    while (last + step >= 1 && last + step <= longest && at(last + step) === 'yes') last += step;
    let broken: number | undefined;
    for (let value = last + step; broken === undefined && value >= 1 && value <= longest; value += step)
      if (at(value) === 'no') broken = value;
    if (broken === undefined) return;
    const point = (value: number): Point => ({ ...swept.point, [lever]: value });
    if (last !== start)
      found.push({ point: point(last), where: `${where}, as far as it is certain`, expected: 'holds' });
    found.push({ point: point(broken), where: `${where}, where it certainly breaks`, expected: 'breaks' });
  };
  walk(1, 'longer');
  walk(-1, 'shorter');
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
  return [...new Set(values)].map((idle) => ({ box, point: { ...point, keepIdle: idle }, why: 'lateness' }));
}

export interface Extra {
  box: SweptBox;
  point: Point;
  why: string;
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
        ...boundary(of, spec).map((each) => ({
          box,
          point: each.point,
          why: `boundary: ${each.where} (${each.expected})`,
        })),
        // Once is enough to see how it goes.
        ...(index === firstFound ? lateness(of, spec) : []),
        ...patience(box, spec),
      ];
    }
    const found = substitute(box, spec);
    if (found === undefined) return [];
    const own = [...found.map((extra) => ({ ...extra, why: `substitute: ${extra.why}` })), ...patience(box, spec)];
    const [first] = own;
    const edges = first === undefined ? [] : boundary(cellAt(first.box, first.point, spec), spec);
    return [
      ...own,
      ...edges.map(({ point, where, expected }) => ({ box, point, why: `boundary: ${where} (${expected})` })),
    ];
  });
}

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
              why: 'a heartbeat of the application, whose reply is waited for through an outage',
            },
          ]
        : []),
      { box, point: beat, why: 'a heartbeat of the application' },
    ];
  const keepalive = searchKeepalive(box, spec);
  return keepalive === undefined
    ? []
    : [{ box, point: keepalive, why: 'a keepalive that the landscape does not have' }];
}

const PATIENT_PROXY = 'substitute: a longer time-out of the proxy itself';

/** A proxy that is patient enough needs nothing else. */
function patience(box: SweptBox, spec: SweepSpec): Extra[] {
  const patient = box.middlebox.layer === 'L7' ? longer(box, spec.quietSeconds) : undefined;
  return patient === undefined ? [] : [{ box: patient, point: {}, why: PATIENT_PROXY }];
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

/** What a neighbour says of the boundary, as it was measured. */
function neighbourText({ demands, measured }: CellResult, expected: 'holds' | 'breaks'): string {
  if (measured === null) return 'not measured';
  const broken = demands.filter((each) => each.measured !== null && each.measured.yes < each.measured.of);
  if (broken.length === 0 && demands.some((each) => each.measured === null || each.measured.of === 0))
    return 'not measured';
  if (broken.length === 0)
    return expected === 'holds'
      ? `holds, as expected: ${proportionText(measured.survives)}`
      : 'holds, although it should break';
  return `${expected === 'breaks' ? 'breaks, as expected' : 'breaks, although it should hold'}: ${broken
    .map(({ demand, measured: seen }) => `${demand} ${seen === null ? '' : `in ${proportionText(seen)}`}`)
    .join('; ')}`;
}

export const CONNECTIONS = 10_000;

/** Cost in words: of one connection, and of 10,000. */
export function costText(cell: CellResult): string {
  const measured = cell.measured?.cost;
  if (measured === undefined || measured === null) return 'cost not measured';
  return `${measured.packetsAnHour} packets and ${bytesText(measured.bytesAnHour)} an hour and connection; ${bytesText(measured.bytesAnHour * CONNECTIONS)} an hour for ${CONNECTIONS.toLocaleString('en')} connections`;
}

const boxText = ({ profile, middlebox }: SweptBox) => `${profile} (${shortDuration(middlebox.timeoutSeconds)})`;

/** In words: what to configure behind one middlebox. Settings are added later. */
export function recommend(spec: SweepSpec, cells: readonly CellResult[], index: number): Recommendation {
  const box = spec.boxes[index] as SweptBox;
  const mine = cells.filter((cell) => cell.box === index);
  const landscape = mine.filter(({ why }) => why === undefined);
  const substitutes = mine.filter(({ why }) => why?.startsWith('substitute'));
  const { timeoutSeconds, layer } = box.middlebox;
  const patient = longer(box, spec.quietSeconds);
  const remedy = (patient && box.remedy?.replaceAll('{seconds}', String(patient.middlebox.timeoutSeconds))) ?? null;
  const base = { box: index, remedy, settings: [], alternatives: [] as Recommendation['alternatives'] };
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
  const best = own ?? cheapest(substitutes.filter(({ why }) => why !== PATIENT_PROXY));
  const neighbours = mine
    .filter(({ why }) => why?.startsWith('boundary'))
    .map((cell): Recommendation['neighbours'][0] => {
      const expected = cell.why?.endsWith('(breaks)') ? 'breaks' : 'holds';
      return {
        cell: cell.id,
        where: (cell.why as string).replace(/^boundary: | \((?:holds|breaks)\)$/g, ''),
        expected,
        says: neighbourText(cell, expected),
      };
    });
  const proxy = layer === 'L7';
  const alternatives = substitutes
    .filter(
      (cell) => cell !== best && cell.measured !== null && cell.measured.survives.yes === cell.measured.survives.of,
    )
    .map((cell) => {
      const missing = cell.demands.filter(
        ({ predicted, measured }) => predicted !== 'yes' || (measured !== null && measured.yes < measured.of),
      );
      const but =
        missing.length === 0 ? '' : `; but it does not do this: ${missing.map(({ demand }) => demand).join(', ')}`;
      return { cell: cell.id, says: `${cell.why?.replace('substitute: ', '')}: ${costText(cell)}${but}` };
    });
  const tcpFails = proxy && landscape.some(({ client }) => client.keepalive !== 'off');
  const failed = tcpFails
    ? `No TCP setting fixes ${boxText(box)}: it is a proxy, its own kernel answers keepalive, and only bytes of the application count. `
    : '';
  if (best === undefined)
    return {
      ...base,
      ...nothing,
      alternatives,
      verdict: proxy ? 'no-tcp-setting' : 'none',
      sentence: `${failed}Behind ${boxText(box)} nothing that was measured does all that is asked (${demandText(spec)}).`,
    };
  const text = settingsText(best.point);
  return {
    ...base,
    alternatives,
    verdict: tcpFails && own === undefined ? 'no-tcp-setting' : 'found',
    sentence: `${failed}Behind ${boxText(box)}${tcpFails ? '' : ','} ${text === '' ? 'let it be more patient itself' : `set ${text}`}: ${demandText(spec)}, in ${proportionText(best.measured?.survives ?? { yes: 0, of: 0, low: 0, high: 1 })} trials; ${costText(best)}.`,
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
    sentence: `Behind each of ${who}, set ${settingsText(first.point)}: ${demandText(spec)}; ${costText(first)}.`,
    cells: best.map(({ id }) => id),
  };
}

/** "outlives 8 h of quiet, 2 lost probes in a row, an outage of 60 s". */
export function demandText({
  quietSeconds,
  demands: { lost, outageSeconds, noticeSeconds },
}: Pick<SweepSpec, 'quietSeconds' | 'demands'>): string {
  return [
    `it outlives ${plainDuration(quietSeconds)} of quiet`,
    ...(lost > 0 ? [`${lost} lost ${lost === 1 ? 'probe' : 'probes'} in a row`] : []),
    ...(outageSeconds > 0 ? [`an outage of ${plainDuration(outageSeconds)}`] : []),
    ...(noticeSeconds > 0 ? [`and notices a dead peer within ${plainDuration(noticeSeconds)}`] : []),
  ].join(', ');
}
