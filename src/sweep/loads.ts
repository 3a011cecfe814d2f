// Which trials are measured together. Kernels run side by side, so work is dealt out evenly; what a host can play together stays
// together as far as that goes, for every host costs processes.

import { chanceOf, type Trial } from '../plan/trial.ts';
import { groupsOf } from '../stage/bench/groups.ts';
import { cycleSeconds } from '../stage/bench/schedule.ts';

/** Hosts of a kind cost three processes each, and a kernel has so much memory. */
const MOST_GROUPS = 3;
/** Connections that one process opens in a moment. */
const MOST_TRIALS = 3000;

/** In probes: what opening a connection and its answers cost. */
const OPENING = 20;

/** About how much work a trial is, in probes. */
export function weightOf({ question, client, server, quietSeconds }: Trial): number {
  if (question.kind !== 'quiet') return OPENING * 2;
  const probes = [client, server].reduce((sum, side) => sum + quietSeconds / cycleSeconds(side, 250), 0);
  return OPENING + probes;
}

interface Piece {
  group: string;
  trials: Trial[];
  weight: number;
}

/** Cuts a group into so many pieces of about the same work. */
function cut(group: string, trials: readonly Trial[], count: number): Piece[] {
  const pieces = Array.from({ length: count }, (): Piece => ({ group, trials: [], weight: 0 }));
  for (const [index, trial] of [...trials].sort((a, b) => chanceOf(a.key) - chanceOf(b.key)).entries()) {
    const piece = pieces[index % count] as Piece;
    piece.trials.push(trial);
    piece.weight += weightOf(trial);
  }
  return pieces.filter((piece) => piece.trials.length > 0);
}

/**
 * Deals trials out to labs.
 * @param slots how many labs run at once
 * @throws LabError BAD_OPTION where a middlebox cannot be swept
 */
export async function loadsOf(trials: readonly Trial[], slots: number): Promise<Trial[][]> {
  const groups = await groupsOf(trials);
  const total = trials.reduce((sum, trial) => sum + weightOf(trial), 0);
  const share = total / slots;
  const pieces = [...groups].flatMap(([group, members]) => {
    const weight = members.reduce((sum, trial) => sum + weightOf(trial), 0);
    const count = Math.max(1, Math.ceil(members.length / MOST_TRIALS), Math.ceil((weight / share) * 2 - 1e-6));
    return cut(group, members, Math.min(count, members.length));
  });
  const count = Math.min(
    pieces.length,
    Math.max(slots, Math.ceil(groups.size / MOST_GROUPS), Math.ceil(trials.length / MOST_TRIALS)),
  );
  const loads = Array.from({ length: count }, () => ({ groups: new Set<string>(), trials: [] as Trial[], weight: 0 }));
  for (const piece of pieces.sort((a, b) => b.weight - a.weight)) {
    const fits = loads.filter(
      ({ groups: held, trials: already }) =>
        (held.has(piece.group) || held.size < MOST_GROUPS) && already.length + piece.trials.length <= MOST_TRIALS,
    );
    const [lightest] = (fits.length > 0 ? fits : loads).sort((a, b) => a.weight - b.weight);
    if (lightest === undefined) continue;
    lightest.groups.add(piece.group);
    lightest.trials.push(...piece.trials);
    lightest.weight += piece.weight;
  }
  return loads.map((load) => load.trials).filter((load) => load.length > 0);
}
