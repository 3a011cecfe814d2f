// Measures a sweep, or goes on with one, and puts its result together.
import { cpSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LabError } from '../base/errors.ts';
import { Slots } from '../base/slots.ts';
import type { Ladder } from '../judge/result.ts';
import { chanceOf, type Question, type Trial } from '../plan/trial.ts';
import { actName, actOf } from '../stage/bench/witness-act.ts';
import { compareAll, demandsOn, measureCell, predictCell, trialsOf } from './answers.ts';
import { type Conditions, conditionsId, conditionsIn, refuseMixing } from './conditions.ts';
import { problemOf } from './expect.ts';
import type { SweepFolder } from './folder.ts';
import { chosenCells } from './frontier.ts';
import { loadsOf } from './loads.ts';
import type { Place } from './place.ts';
import { extraCells, recommend, recommendForAll } from './recommend.ts';
import { type CellResult, SWEEP_SCHEMA_VERSION, type SweepResult, type Why } from './result.ts';
import {
  cellAt,
  cellsOf,
  problemOf as problemOfSpec,
  type SweepSpec,
  type SweptBox,
  type SweptCell,
  trialsProblem,
} from './spec.ts';
import { trapsIn } from './traps.ts';
import { verdictOf } from './verdict.ts';
import { laddersIn, witnessesFor } from './witness.ts';

export interface SweepProgress {
  /** Trials of this stage, how many are measured, and how much of the labs' own time has passed, from 0 to 1. */
  told(stage: string, measured: number, of: number, passed: number): void;
}

export interface Shard {
  index: number;
  of: number;
}

const unique = (trials: readonly Trial[]): Trial[] => [...new Map(trials.map((trial) => [trial.key, trial])).values()];
const mine = (trials: readonly Trial[], shard: Shard | undefined): Trial[] =>
  shard === undefined
    ? [...trials]
    : trials.filter(({ key }) => Math.floor(chanceOf(`shard ${key}`) * shard.of) === shard.index - 1);

/** About how long a lab's own clock runs for a load, seconds; for progress only. */
const LAST_WORDS_SECONDS = 60;

async function measure(
  trials: readonly Trial[],
  stage: string,
  folder: SweepFolder,
  place: Place,
  progress: SweepProgress,
  signal: AbortSignal,
): Promise<void> {
  for (let pass = 1; ; pass++) {
    const missing = trials.filter((trial) => {
      const outcome = folder.outcomes.get(trial.key);
      return outcome === undefined || problemOf(trial, outcome) !== undefined;
    });
    // What found no answer twice will find none; in virtual time not even twice.
    if (missing.length === 0 || pass > (place.realTime ? MOST_PASSES : 1)) return;
    await measureOnce(missing, pass === 1 ? stage : `${stage}, what found no answer`, folder, place, progress, signal);
  }
}

/** A machine that was too busy once may be less so the next time. */
const MOST_PASSES = 3;

async function measureOnce(
  missing: readonly Trial[],
  stage: string,
  folder: SweepFolder,
  place: Place,
  progress: SweepProgress,
  signal: AbortSignal,
): Promise<void> {
  const { spec } = folder.record;
  const loads = await loadsOf(missing, place.slots);
  const passed = loads.map(() => 0);
  const expected = spec.quietSeconds + LAST_WORDS_SECONDS;
  let measured = 0;
  const tell = () =>
    progress.told(stage, measured, missing.length, passed.reduce((sum, part) => sum + part, 0) / passed.length);
  tell();
  const slots = new Slots(place.slots);
  const stop = new AbortController();
  const whole = AbortSignal.any([signal, stop.signal]);
  const began = performance.now();
  let failure: unknown;
  await Promise.all(
    loads.map(async (load, index) => {
      const done = await slots.take();
      try {
        whole.throwIfAborted();
        let start: number | undefined;
        let conditions: string | undefined;
        await place.measure(
          { kind: 'sweep', trials: load, patienceSeconds: spec.patienceSeconds, countSeconds: spec.countSeconds },
          {
            folder: folder.scratch(String(index)),
            signal: whole,
            onConditions: (found) => {
              try {
                conditions = keepConditions(folder, found);
              } catch (error) {
                failure ??= error;
                stop.abort();
              }
            },
            onOutcome: (outcome) => {
              if (conditions === undefined) return;
              folder.add({ ...outcome, conditions });
              measured++;
              tell();
            },
            onClock: (time) => {
              start ??= time;
              passed[index] = Math.min(1, (time - start) / expected);
              tell();
            },
          },
        );
        passed[index] = 1;
      } catch (error) {
        // The others end with it.
        failure ??= error;
        stop.abort();
      } finally {
        done();
      }
    }),
  );
  folder.record.wallSeconds += (performance.now() - began) / 1000;
  folder.save();
  if (signal.aborted) throw signal.reason;
  if (failure !== undefined) throw failure;
}

const HERE = 'here, now';
const MEASURE_ALIKE =
  'measure what is missing where the rest was measured, with the same kernel and programs; or begin a new sweep';

/** What is measured now must fit what is there. @throws LabError BAD_OPTION */
function refuseOthers(folder: SweepFolder, conditions: Conditions): void {
  const { spec } = folder.record;
  if (conditions.hz !== spec.hz || conditions.engine !== spec.engine)
    throw new LabError(
      'BAD_OPTION',
      `this sweep is of engine ${spec.engine} and HZ ${spec.hz}, but what would be measured now is of engine ${conditions.engine} and HZ ${conditions.hz}`,
      MEASURE_ALIKE,
    );
  refuseMixing([...conditionsIn(folder), { conditions, where: HERE }], MEASURE_ALIKE);
}

/** Keeps conditions, before the first outcome that names them. @returns their id @throws LabError BAD_OPTION */
function keepConditions(folder: SweepFolder, conditions: Conditions): string {
  refuseOthers(folder, conditions);
  const id = conditionsId(conditions);
  folder.record.conditions = { ...folder.record.conditions, [id]: conditions };
  folder.save();
  return id;
}

/** Measured once more beside the landscape: so often at least. */
const LEAST_REPEATS = 5;

/** Of what lies next to the best only what was asked for is of interest. */
function matters(question: Question, why: Why, { demands }: SweepSpec): boolean {
  if (question.kind === 'quiet' || why.kind === 'substitute') return true;
  if (why.kind === 'lateness') return false;
  if (question.kind === 'lost') return question.count === demands.lost;
  if (question.kind === 'outage') return question.seconds === demands.outageSeconds;
  return question.kind === 'dead' && !question.inFlight && demands.noticeSeconds > 0;
}

interface Landscape {
  cells: SweptCell[];
  measured: SweptCell[];
}

const landscapeOf = (spec: SweepSpec): Landscape => {
  const cells = cellsOf(spec);
  return { cells, measured: chosenCells(cells, spec) };
};

function resultOf(
  swept: SweptCell,
  spec: SweepSpec,
  outcomes: SweepFolder['outcomes'],
  box: number,
  why?: Why,
): CellResult {
  const predicted = predictCell(swept, spec);
  const measured = measureCell(swept, spec, outcomes);
  return {
    id: swept.id,
    box,
    ...(why === undefined ? {} : { why }),
    point: { ...swept.point },
    client: swept.cell.client,
    server: swept.cell.server,
    predicted,
    measured,
    demands: demandsOn(predicted, measured, spec.demands),
  };
}

const sameBox = (a: SweptBox, b: SweptBox) =>
  a.profile === b.profile && a.middlebox.timeoutSeconds === b.middlebox.timeoutSeconds;

/** Trials of a sweep's landscape, or of a part of it. */
export const landscapeTrials = (spec: SweepSpec, shard?: Shard): Trial[] =>
  mine(unique(landscapeOf(spec).measured.flatMap((cell) => trialsOf(cell, spec))), shard);

/**
 * Measures what is missing, and puts the result together; of a part of a sweep there is none.
 * @throws LabError what the engine throws; what was measured until then is kept
 */
export async function runSweep(
  folder: SweepFolder,
  place: Place,
  { progress, signal, shard }: { progress: SweepProgress; signal: AbortSignal; shard?: Shard | undefined },
): Promise<SweepResult | undefined> {
  const { spec, wallSeconds: waitedBefore } = folder.record;
  const began = performance.now();
  if (spec.hz !== place.hz)
    throw new LabError(
      'BAD_OPTION',
      `this sweep is of HZ ${spec.hz}, and the engine has ${place.hz}`,
      `add --hz ${spec.hz}`,
    );
  refuseMixing(conditionsIn(folder), 'sweep again: they cannot be told apart any more');
  // A folder from elsewhere does not get to ask for more work than anybody here could.
  const problem = problemOfSpec(spec) ?? trialsProblem(spec);
  if (problem) throw new LabError('BAD_OPTION', problem.what, problem.todo);
  const { cells } = landscapeOf(spec);
  await measure(landscapeTrials(spec, shard), 'the landscape', folder, place, progress, signal);
  if (shard !== undefined) return undefined;
  const boxOf = (box: SweptBox) => spec.boxes.findIndex((each) => sameBox(each, box));
  const landscape = cells.map((cell) => resultOf(cell, spec, folder.outcomes, boxOf(cell.box)));
  // What lies next to the best, on either side; where nothing does it, what should.
  const closer: SweepSpec = { ...spec, repeat: Math.max(spec.repeat, LEAST_REPEATS) };
  const extras = spec.measure === 'none' ? [] : extraCells(spec, landscape, cells);
  const more = extras.map((extra) => ({ extra, cell: cellAt(extra.box, extra.point, spec) }));
  const moreTrials = unique(
    more.flatMap(({ extra, cell }) =>
      trialsOf(cell, closer).filter(({ question }) => matters(question, extra.why, spec)),
    ),
  );
  await measure(moreTrials, 'what lies next to the best', folder, place, progress, signal);
  const beside = more.map(({ extra, cell }) => {
    const own = spec.boxes.findIndex((each) => each.profile === extra.box.profile && sameBox(each, extra.box));
    const index = own >= 0 ? own : spec.boxes.findIndex((each) => each.profile === extra.box.profile);
    return resultOf(cell, closer, folder.outcomes, index, extra.why);
  });
  const result = conclude(folder, [...landscape, ...beside], [...landscapeTrials(spec), ...moreTrials]);
  const witnesses = await witness(result, folder, place, signal);
  // The person has waited for conclusions and witnesses, too.
  folder.record.wallSeconds = waitedBefore + (performance.now() - began) / 1000;
  folder.save();
  return { ...result, witnesses, wallSeconds: Math.round(folder.record.wallSeconds * 10) / 10 };
}

/** A kernel in virtual time has so much memory: labs that it plays at once. In real time all wait together. */
const WITNESSES_AT_ONCE = 3;

/** Plays a few connections once more, each in a lab that is looked at. */
async function witness(
  result: SweepResult,
  folder: SweepFolder,
  place: Place,
  signal: AbortSignal,
): Promise<SweepResult['witnesses']> {
  const { spec } = folder.record;
  const wanted = witnessesFor(result, spec);
  const trials = unique(wanted.map(({ trial }) => trial));
  const kept = join(folder.folder, 'captures');
  rmSync(kept, { recursive: true, force: true });
  const size = place.realTime ? Math.max(1, trials.length) : WITNESSES_AT_ONCE;
  const batches = Array.from({ length: Math.ceil(trials.length / size) }, (_, index) =>
    trials.slice(index * size, (index + 1) * size),
  );
  const ladders = new Map<string, Ladder>();
  for (const [index, batch] of batches.entries()) {
    const into = join(kept, String(index + 1));
    const found = await play(batch, folder, place, into, signal);
    for (const [name, trial] of batch.entries()) {
      const ladder = found.get(actName(name));
      if (ladder !== undefined) ladders.set(trial.key, ladder);
    }
  }
  return wanted.flatMap(({ id, trial, title, says }) => {
    const ladder = ladders.get(trial.key);
    return ladder === undefined ? [] : [{ cell: id, title, says, ladder }];
  });
}

/** @param into where their evidence is kept @returns ladders by the names of acts */
async function play(
  trials: readonly Trial[],
  folder: SweepFolder,
  place: Place,
  into: string,
  signal: AbortSignal,
): Promise<Map<string, Ladder>> {
  const { title, pace, engine, patienceSeconds, countSeconds } = folder.record.spec;
  const scratch = folder.scratch(`witnesses-${basename(into)}`);
  let ladders = new Map<string, Ladder>();
  let versions: Record<string, string> = {};
  const startedAt = new Date().toISOString();
  const stop = new AbortController();
  const measuring = place.measure(
    { kind: 'sweep', trials: [...trials], patienceSeconds, countSeconds, capture: true },
    {
      folder: scratch,
      signal: AbortSignal.any([signal, stop.signal]),
      onConditions: (conditions) => {
        versions = { kernel: conditions.kernel, ...conditions.programs };
        try {
          refuseOthers(folder, conditions);
        } catch (error) {
          stop.abort(error);
        }
      },
      onOutcome: () => {},
      onClock: () => {},
      onPlayed: (acts) => {
        cpSync(scratch, into, { recursive: true });
        ladders = laddersIn(into, { engine, startedAt, versions, title, pace, plans: trials.map(actOf), acts });
      },
    },
  );
  // However the engine calls it, the reason is that it was refused.
  await measuring.catch((error: unknown) => {
    throw stop.signal.aborted ? stop.signal.reason : error;
  });
  stop.signal.throwIfAborted();
  return ladders;
}

function conclude(folder: SweepFolder, cells: CellResult[], trials: readonly Trial[]): SweepResult {
  const { spec, startedAt, wallSeconds } = folder.record;
  const conditions = conditionsIn(folder);
  refuseMixing(conditions, 'sweep again: they cannot be told apart any more');
  const compared = compareAll(unique(trials), folder.outcomes, spec);
  const recommendations = spec.boxes.map((_, index) => recommend(spec, cells, index));
  return {
    schemaVersion: SWEEP_SCHEMA_VERSION,
    kind: 'sweep',
    name: spec.name,
    title: spec.title,
    story: spec.story,
    engine: spec.engine,
    pace: spec.pace,
    hz: spec.hz,
    conditions: conditions.map(({ conditions: each, trials: count }) => ({ ...each, trials: count })),
    startedAt,
    wallSeconds: Math.round(wallSeconds * 10) / 10,
    quietSeconds: spec.quietSeconds,
    repeat: spec.repeat,
    seed: spec.seed,
    axes: spec.axes.map(({ side, parameter, values }) => ({ side, parameter, values: [...values] })),
    boxes: spec.boxes,
    demands: spec.demands,
    lost: spec.lost,
    outages: spec.outages,
    verdict: verdictOf({ ...compared, recommendations }),
    ...compared,
    cells,
    common: recommendForAll(spec, cells),
    recommendations,
    traps: trapsIn(cells, spec),
    witnesses: [],
  };
}
