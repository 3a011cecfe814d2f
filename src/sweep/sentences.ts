// What people read of a sweep. Every sentence is made here, last, from the unions of result.ts; nothing is ever decided by one.
import { plainDuration, shortDuration } from '../base/duration.ts';
import { settingsText } from './grid.ts';
import { type Proportion, proportionText } from './proportion.ts';
import type { Alternative, CellResult, Demand, Neighbour, Why } from './result.ts';
import type { SweepSpec, SweptBox } from './spec.ts';
import { bytesText } from './words.ts';

const probes = (count: number): string => `${count} lost ${count === 1 ? 'probe' : 'probes'} in a row`;

/** "outlives an outage of 60 s". */
export function demandText(demand: Demand): string {
  switch (demand.kind) {
    case 'quiet':
      return 'outlives the quiet';
    case 'lost':
      return `outlives ${probes(demand.count)}`;
    case 'outage':
      return `outlives an outage of ${plainDuration(demand.seconds)}`;
    case 'dead-peer':
      return `an idle client notices a dead peer within ${plainDuration(demand.withinSeconds)}`;
  }
}

/** "an 8 h", "a 60 s": a length before its noun. */
function oneOf(seconds: number): string {
  const text = plainDuration(seconds);
  return `${/^(8|1[18](?!\d))/.test(text) ? 'an' : 'a'} ${text}`;
}

const trialsText = ({ yes, of }: Proportion): string => (of === 0 ? 'not measured' : `${yes}/${of} trials`);

const listText = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** "survives an 8 h quiet, 2 lost probes and a 60 s outage (3/3 trials)". @param survives how often it did, where that is to be told */
export function demandsText(
  { quietSeconds, demands: { lost, outageSeconds, noticeSeconds } }: Pick<SweepSpec, 'quietSeconds' | 'demands'>,
  survives?: Proportion,
): string {
  const survived = listText([
    `${oneOf(quietSeconds)} quiet`,
    ...(lost > 0 ? [`${lost} lost ${lost === 1 ? 'probe' : 'probes'}`] : []),
    ...(outageSeconds > 0 ? [`${oneOf(outageSeconds)} outage`] : []),
  ]);
  return [
    `survives ${survived}${survives === undefined ? '' : ` (${trialsText(survives)})`}`,
    ...(noticeSeconds > 0 ? [`notices a dead peer within ${plainDuration(noticeSeconds)}`] : []),
  ].join(', and ');
}

const SUBSTITUTES: Record<Extract<Why, { kind: 'substitute' }>['by'], string> = {
  'patient-heartbeat': 'a heartbeat of the application, whose reply is waited for through an outage',
  heartbeat: 'a heartbeat of the application',
  keepalive: 'a keepalive that the landscape does not have',
  'longer-timeout': 'a longer timeout of the proxy itself',
};

/** "longer, as far as it is certain". */
export const whereText = ({ direction, expected }: Pick<Neighbour, 'direction' | 'expected'>): string =>
  `${direction}, ${expected === 'holds' ? 'as far as it is certain' : 'where it certainly breaks'}`;

/** Why a cell was measured beside the landscape. */
export function whyText(why: Why): string {
  switch (why.kind) {
    case 'lateness':
      return 'lateness';
    case 'boundary':
      return `boundary: ${whereText(why)}`;
    case 'substitute':
      return `substitute: ${SUBSTITUTES[why.by]}`;
  }
}

/** What a neighbour showed, as it was measured. @param survives how often it outlived the quiet */
export function neighbourText({ expected, seen, failed }: Omit<Neighbour, 'says'>, survives: Proportion): string {
  if (seen === 'not-measured') return 'not measured';
  if (seen === 'holds')
    return expected === 'holds' ? `holds, as expected: ${proportionText(survives)}` : 'holds, although it should break';
  const how = failed.map(({ demand, measured }) => `${demandText(demand)} in ${proportionText(measured)}`).join('; ');
  return `${expected === 'breaks' ? 'breaks, as expected' : 'breaks, although it should hold'}: ${how}`;
}

/** How many connections a cost is told for, besides one. */
export const CONNECTIONS = 10_000;

/** Cost in words: of one connection, and of 10,000. */
export function costText({ measured }: Pick<CellResult, 'measured'>): string {
  const cost = measured?.cost;
  if (cost === undefined || cost === null) return 'cost not measured';
  return `${cost.packetsAnHour} packets and ${bytesText(cost.bytesAnHour)} an hour and connection; ${bytesText(cost.bytesAnHour * CONNECTIONS)} an hour for ${CONNECTIONS.toLocaleString('en')} connections`;
}

export function alternativeText({ by, missing }: Omit<Alternative, 'says'>, cell: CellResult): string {
  const but = missing.length === 0 ? '' : `; but it does not do this: ${missing.map(demandText).join(', ')}`;
  return `${SUBSTITUTES[by]}: ${costText(cell)}${but}`;
}

export const boxText = ({ profile, middlebox }: SweptBox): string =>
  `${profile} (${shortDuration(middlebox.timeoutSeconds)})`;

/** Why no TCP setting helps behind a proxy; stands before the answer. */
export const proxyText = (box: SweptBox): string =>
  `No TCP setting fixes ${boxText(box)}: it is a proxy, its own kernel answers keepalive, and only bytes of the application count. `;

/** "set keepIdle=300s keepInterval=10s: survives … (3/3 trials); …" */
export const adviceText = (best: CellResult, spec: SweepSpec): string =>
  `${settingsText(best.point) === '' ? 'let it be more patient itself' : `set ${settingsText(best.point)}`}: ${demandsText(spec, best.measured?.survives ?? { yes: 0, of: 0, low: 0, high: 1 })}; ${costText(best)}.`;
