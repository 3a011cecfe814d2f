// Which points of a landscape are worth measuring: those where something changes, with a sample of the others to watch over the
// model.
import type { Certainty } from '../model/interval.ts';
import { chanceOf } from '../plan/trial.ts';
import { demandsOn, predictCell, satisfies } from './answers.ts';
import type { SweepSpec, SweptCell } from './spec.ts';

/** Of the points where nothing changes. */
const SAMPLE = 0.05;

interface Told {
  survives: Certainty;
  satisfied: Certainty;
}

/** The cells that are measured. */
export function chosenCells(cells: readonly SweptCell[], spec: SweepSpec): SweptCell[] {
  if (spec.measure === 'all') return [...cells];
  if (spec.measure === 'none') return [];
  const told = new Map(
    cells.map((cell): [string, Told] => {
      const predicted = predictCell(cell, spec);
      return [
        cell.id,
        {
          survives: predicted.survives,
          satisfied: satisfies({ demands: demandsOn(predicted, null, spec.demands) }).predicted,
        },
      ];
    }),
  );
  const edge = new Set<string>();
  const watch = (a: SweptCell, b: SweptCell) => {
    const [one, other] = [told.get(a.id), told.get(b.id)] as [Told, Told];
    if (one.survives !== other.survives || one.satisfied !== other.satisfied) edge.add(a.id).add(b.id);
  };
  for (const line of linesOf(cells))
    for (let index = 1; index < line.length; index++) watch(line[index - 1] as SweptCell, line[index] as SweptCell);
  return cells.filter(
    ({ id }) => edge.has(id) || told.get(id)?.survives === 'maybe' || chanceOf(`${spec.seed} sample ${id}`) < SAMPLE,
  );
}

/** Cells that differ in one thing only, in its order: along every axis, and along the patience of a middlebox. */
function linesOf(cells: readonly SweptCell[]): SweptCell[][] {
  const names = Object.keys(cells[0]?.point ?? {});
  const value = ({ box, point }: SweptCell, name: string | undefined) =>
    name === undefined ? box.middlebox.timeoutSeconds : (point[name] as number);
  return [...names, undefined].flatMap((name) => {
    const lines = new Map<string, SweptCell[]>();
    for (const cell of cells) {
      const rest = names.filter((each) => each !== name).map((each) => cell.point[each]);
      const key = JSON.stringify([
        cell.box.profile,
        name === undefined ? null : cell.box.middlebox.timeoutSeconds,
        rest,
      ]);
      const line = lines.get(key);
      if (line) line.push(cell);
      else lines.set(key, [cell]);
    }
    return [...lines.values()].map((line) => line.sort((a, b) => value(a, name) - value(b, name)));
  });
}
