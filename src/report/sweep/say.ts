// Words and figures that several formats share.
import { plainDuration, shortDuration } from '../../base/duration.ts';
import { satisfies } from '../../sweep/answers.ts';
import { type ParameterName, settingsText, valueText } from '../../sweep/grid.ts';
import type { CellResult, SweepResult } from '../../sweep/result.ts';

export const count = (value: number): string => value.toLocaleString('en');

export { bytesText } from '../../sweep/words.ts';

export const boxName = ({ boxes }: SweepResult, index: number): string => {
  const box = boxes[index];
  return box === undefined ? '' : `${box.profile} ${shortDuration(box.middlebox.timeoutSeconds)}`;
};

/** The value of a setting of a cell, as people write it. */
export function settingText(cell: CellResult, name: string): string {
  const parameter = name.replace('server.', '') as ParameterName;
  const value = cell.point[name];
  return value === undefined ? '' : valueText(parameter, value);
}

/** The names of everything that is varied, in order. */
export const settingNames = ({ axes }: SweepResult): string[] =>
  axes.map(({ side, parameter }) => (side === 'server' ? `server.${parameter}` : parameter));

export const share = (proportion: { yes: number; of: number } | null | undefined): string =>
  proportion === null || proportion === undefined || proportion.of === 0 ? '–' : `${proportion.yes}/${proportion.of}`;

/** "1 min 43 s", "never", "3 min to 5 min": how soon it was noticed; null where it was not asked. */
export function noticedText(
  noticed: { times: readonly number[]; unnoticed: number; watchedSeconds: number } | null | undefined,
): string {
  if (noticed === null || noticed === undefined) return '–';
  const { times, unnoticed, watchedSeconds } = noticed;
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return `not in ${plainDuration(watchedSeconds)}`;
  const seen =
    last - first < Math.max(1, first / 20) ? plainDuration(last) : `${plainDuration(first)} – ${plainDuration(last)}`;
  return unnoticed > 0 ? `${seen}, or not` : seen;
}

/** What became of a cell, in one word. */
export type State = 'holds' | 'sometimes' | 'breaks' | 'unmeasured';

/** As it was measured: whether it outlived the quiet, always, sometimes, never. */
export function stateOf({ measured }: CellResult): State {
  if (measured === null || measured.survives.of === 0) return 'unmeasured';
  if (measured.survives.yes === measured.survives.of) return 'holds';
  return measured.survives.yes === 0 ? 'breaks' : 'sometimes';
}

export const doesAll = (cell: CellResult): boolean =>
  satisfies(cell).measured === true && satisfies(cell).predicted === 'yes';

/** Landscape cells, without those that were measured beside it. */
export const landscapeOf = ({ cells }: SweepResult): CellResult[] => cells.filter(({ why }) => why === undefined);

/** Versions of everything that decides outcomes, by name: the same for all trials, else the sweep would have been refused. */
export const versionsOf = ({ conditions }: SweepResult): Record<string, string> =>
  Object.assign(
    {},
    ...conditions.map(({ kernel, architecture, programs }) => ({ kernel, architecture, ...programs })),
  ) as Record<string, string>;

/** Where it was measured, if on more than one machine. */
function machines({ conditions }: SweepResult): string[] {
  const trials = new Map<string, number>();
  for (const { machine, trials: some } of conditions) {
    const name = `${machine.name} (${machine.cpu})`;
    trials.set(name, (trials.get(name) ?? 0) + some);
  }
  return trials.size < 2
    ? []
    : [
        `measured on ${trials.size} machines: ${[...trials].map(([name, some]) => `${name} ${count(some)} trials`).join(', ')}`,
      ];
}

/** "3 measurements are not what the model predicts". */
export const disagreementText = ({ length }: SweepResult['disagreements']): string =>
  `${count(length)} ${length === 1 ? 'measurement is' : 'measurements are'} not what the model predicts`;

/** How sure one can be: engine, pace, HZ, versions, agreement. */
export function howMeasured(result: SweepResult): string[] {
  const { engine, pace, hz, startedAt, wallSeconds, trials, repeat, quietSeconds, seed } = result;
  const where = {
    virtual: 'in virtual time: a real Linux kernel whose clock jumps over idle time',
    netns: 'in real time, on network namespaces of this machine’s kernel',
    docker: 'in real time, on containers',
  }[engine];
  return [
    `${count(trials.measured + trials.unpredicted)} trials ${where}; ${plainDuration(quietSeconds)} of quiet, ${repeat} repeats from different offsets (seed ${seed})`,
    `${count(trials.agree)} of ${count(trials.measured)} within what the model predicts${trials.unpredicted > 0 ? `; of ${count(trials.unpredicted)} it predicts nothing` : ''}${trials.unanswered > 0 ? `; ${count(trials.unanswered)} without an answer` : ''}`,
    `engine ${engine}, ${pace} pace, HZ ${hz}, ${Object.entries(versionsOf(result))
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    ...machines(result),
    `started ${startedAt}, took ${plainDuration(wallSeconds)}`,
  ];
}

/** Recommendations; those come first whose middlebox is as patient as it is where nobody sets it. */
export const inOrder = ({ boxes, recommendations }: SweepResult): SweepResult['recommendations'] => {
  const usual = ({ box }: { box: number }) =>
    boxes[box]?.middlebox.timeoutSeconds === boxes[box]?.defaultSeconds ? 0 : 1;
  return [...recommendations].sort((a, b) => usual(a) - usual(b));
};

/** The answers, a sentence each; one for all middleboxes comes first. */
export const answers = (result: SweepResult): string[] => [
  ...(result.common === null ? [] : [result.common.sentence]),
  ...inOrder(result).map(({ sentence }) => sentence),
];

export const headline = (result: SweepResult): string => answers(result)[0] ?? 'Nothing was swept.';

/** What is set in a cell, by its id: "keepIdle=100s keepInterval=10s". */
export function tuningOf({ cells }: SweepResult, id: string): string {
  const cell = cells.find((each) => each.id === id);
  return (cell && settingsText(cell.point)) || 'nothing set';
}
