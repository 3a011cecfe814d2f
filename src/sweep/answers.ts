// Puts the answers of a cell together from its trials, and holds them against the model.
import { type Certainty, type Interval, worst } from '../model/interval.ts';
import { outlivesOutage, predict } from '../model/predict.ts';
import { type Outcome, type Question, questionsOf, questionText, type Trial, trialOf } from '../plan/trial.ts';
import { compare, problemOf } from './expect.ts';
import { proportion } from './proportion.ts';
import { heardWithin } from './questions/heard.ts';
import type { CellResult, MeasuredCell, PredictedCell, SweepResult } from './result.ts';
import type { Demands, SweepSpec, SweptCell } from './spec.ts';

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const times = ({ from, to }: Interval) => ({ from: finite(from), to: finite(to) });

/** The trials of a cell: every question, so often. */
export function trialsOf(
  { cell, box }: SweptCell,
  { lost, outages, repeat, seed }: Pick<SweepSpec, 'lost' | 'outages' | 'repeat' | 'seed'>,
): Trial[] {
  return questionsOf(cell, { lost, outages }).flatMap((question) =>
    Array.from({ length: repeat }, (_, index) => trialOf(cell, box.playedBy, question, index + 1, seed)),
  );
}

export function predictCell(
  { cell }: SweptCell,
  { lost, outages }: Pick<SweepSpec, 'lost' | 'outages'>,
): PredictedCell {
  const { survives, survivesLost, firstRequest, timeoutSeconds, deadPeer, bytesAnHour, zombie } = predict(cell);
  const ends = ({ idle, inFlight }: { idle: Interval; inFlight: Interval }) => ({
    idle: times(idle),
    inFlight: times(inFlight),
  });
  return {
    survives,
    lost: Object.fromEntries(lost.map((count) => [count, survivesLost[count - 1] ?? 'maybe'])),
    outage: Object.fromEntries(outages.map((seconds) => [seconds, outlivesOutage(cell, seconds)])),
    firstRequest: [...firstRequest],
    timeoutSeconds: times(timeoutSeconds),
    deadPeer: { client: ends(deadPeer.client), server: ends(deadPeer.server) },
    bytesAnHour: times(bytesAnHour),
    zombie,
  };
}

const HOUR = 3600;

/** @param outcomes by the keys of trials; undefined where the survival of the quiet was not measured */
export function measureCell(
  swept: SweptCell,
  spec: SweepSpec,
  outcomes: ReadonlyMap<string, Outcome>,
): MeasuredCell | null {
  const { cell, box } = swept;
  const of = (question: Question): Outcome[] =>
    Array.from({ length: spec.repeat }, (_, index) => {
      const trial = trialOf(cell, box.playedBy, question, index + 1, spec.seed);
      const outcome = outcomes.get(trial.key);
      return outcome && problemOf(trial, outcome) === undefined ? outcome : undefined;
    }).filter((outcome) => outcome !== undefined);
  const quiet = of({ kind: 'quiet' });
  if (quiet.length === 0) return null;
  const survived = (all: readonly Outcome[]) => proportion(all.filter(({ met }) => met === 'ok').length, all.length);
  const noticed = (inFlight: boolean, side: 'client' | 'server') => {
    const all = of({ kind: 'dead', inFlight });
    if (all.length === 0) return null;
    const seen = all.flatMap((outcome) => outcome.noticed?.[side] ?? []);
    return {
      times: seen.sort((a, b) => a - b),
      unnoticed: all.length - seen.length,
      watchedSeconds: Math.max(...all.map(({ watchedSeconds = 0 }) => watchedSeconds)),
    };
  };
  const ends = (side: 'client' | 'server') => ({ idle: noticed(false, side), inFlight: noticed(true, side) });
  const traffic = of({ kind: 'cost' }).flatMap((outcome) => outcome.traffic ?? []);
  const counted = traffic.reduce((sum, { seconds }) => sum + seconds, 0);
  const anHour = (count: number) => Math.round((count / counted) * HOUR * 10) / 10;
  const zombies = quiet.filter(({ zombie }) => zombie !== undefined);
  const asked = new Set(questionsOf(cell, spec).map(questionText));
  const survivals = (questions: readonly (readonly [string, Question])[]) =>
    Object.fromEntries(
      questions
        .filter(([, question]) => asked.has(questionText(question)))
        .map(([name, question]) => [name, survived(of(question))]),
    );
  const [first] = quiet;
  const replayed = spec.outages.flatMap((seconds) => of({ kind: 'replay', seconds }));
  return {
    survives: survived(quiet),
    firstRequest: quiet.reduce<Record<string, number>>((counts, { met = 'other' }) => {
      counts[met] = (counts[met] ?? 0) + 1;
      return counts;
    }, {}),
    requestSeconds: quiet.flatMap(({ seconds }) => seconds ?? []).sort((a, b) => a - b),
    lost: survivals(spec.lost.map((count) => [String(count), { kind: 'lost', count }])),
    outage: survivals(spec.outages.map((seconds) => [String(seconds), { kind: 'outage', seconds }])),
    deadPeer: { client: ends('client'), server: ends('server') },
    cost:
      counted === 0
        ? null
        : {
            packetsAnHour: anHour(traffic.reduce((sum, { packets }) => sum + packets, 0)),
            bytesAnHour: anHour(traffic.reduce((sum, { bytes }) => sum + bytes, 0)),
          },
    zombies: proportion(zombies.filter(({ zombie }) => zombie).length, zombies.length),
    lostMessages: [...quiet, ...replayed].filter(({ executed }) => executed === 0).length,
    duplicatedCommands: [...quiet, ...replayed].filter(({ executed = 0 }) => executed > 1).length,
    kernel: { client: first?.kernel.client ?? null, server: first?.kernel.server ?? null },
  };
}

/** What a recommended tuning must do, and whether this one does it. */
export function demandsOn(
  predicted: PredictedCell,
  measured: MeasuredCell | null,
  { lost, outageSeconds, noticeSeconds }: Demands,
): CellResult['demands'] {
  const found: CellResult['demands'] = [
    { demand: { kind: 'quiet' }, predicted: predicted.survives, measured: measured?.survives ?? null },
  ];
  if (lost > 0)
    found.push({
      demand: { kind: 'lost', count: lost },
      predicted: predicted.lost[lost] ?? 'maybe',
      // Where nothing can be lost it was not asked.
      measured: measured?.lost[lost] ?? measured?.survives ?? null,
    });
  if (outageSeconds > 0)
    found.push({
      demand: { kind: 'outage', seconds: outageSeconds },
      predicted: predicted.outage[outageSeconds] ?? 'maybe',
      measured: measured?.outage[outageSeconds] ?? null,
    });
  if (noticeSeconds > 0) {
    const { from, to } = predicted.deadPeer.client.idle;
    const seen = measured?.deadPeer.client.idle;
    found.push({
      demand: { kind: 'dead-peer', withinSeconds: noticeSeconds },
      predicted: heardWithin(
        { from: from ?? Number.POSITIVE_INFINITY, to: to ?? Number.POSITIVE_INFINITY },
        noticeSeconds,
      ),
      measured: seen
        ? proportion(
            seen.times.filter((seconds) => seconds <= noticeSeconds).length,
            seen.times.length + seen.unnoticed,
          )
        : null,
    });
  }
  return found;
}

/** Whether a cell does all that is asked for: as far as the model tells, and as far as was measured. */
export const satisfies = ({
  demands,
}: Pick<CellResult, 'demands'>): { predicted: Certainty; measured: boolean | undefined } => ({
  predicted: worst(...demands.map((each) => each.predicted)),
  measured: demands.some((each) => each.measured !== null && each.measured.yes < each.measured.of)
    ? false
    : demands.every((each) => each.measured !== null && each.measured.of > 0)
      ? true
      : undefined,
});

/** Every trial against the model: a disagreement is never averaged away. */
export function compareAll(
  trials: readonly Trial[],
  outcomes: ReadonlyMap<string, Outcome>,
  { hz, patienceSeconds }: Pick<SweepSpec, 'hz' | 'patienceSeconds'>,
): Pick<SweepResult, 'trials' | 'disagreements' | 'problems'> {
  const disagreements: SweepResult['disagreements'] = [];
  const problems: string[] = [];
  let [measured, agree, unanswered, unpredicted] = [0, 0, 0, 0];
  for (const trial of trials) {
    const outcome = outcomes.get(trial.key);
    if (outcome === undefined) continue;
    const problem = problemOf(trial, outcome);
    if (problem !== undefined) {
      unanswered++;
      problems.push(`${trial.key}: ${problem}`);
      continue;
    }
    const agreement = compare(trial, outcome, hz, patienceSeconds);
    if (agreement === undefined) {
      unpredicted++;
      continue;
    }
    measured++;
    if (agreement.agrees) agree++;
    else disagreements.push({ trial: trial.key, predicted: agreement.predicted, measured: agreement.measured });
  }
  return { trials: { measured, agree, unanswered, unpredicted }, disagreements, problems };
}
