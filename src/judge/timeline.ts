import type { ActRecord, StepRecord } from '../lab/record.ts';
import { plainDuration } from '../scenario/duration.ts';
import type { ActPlan, Step } from '../scenario/plan.ts';
import { stepLength } from '../scenario/step-length.ts';
import { cannotTell } from './check.ts';
import type { Deviation, Finding } from './result.ts';

// Whether an act was played as its plan says. What was seen in a night of another length proves nothing about the one that was
// asked for, so no other finding is believed then.

/**
 * By how much a step may seem too short, seconds: the readings of Node's two clocks at its beginning and at its end lie up to
 * 2 ms apart (src/clock.ts). A wait itself is never cut short: the lab waits until its clock is there.
 */
const EARLY_SECONDS = 0.01;
/**
 * By how much a step, or the time between two, may be too long, seconds. A wait ends with a look at every table, a step with a
 * line in a file; a timer of hours fires up to 0.1 s late (epoll's slack). That takes 20 to 40 ms on an idle machine, and up
 * to a second where other programs want the processors.
 */
const LATE_SECONDS = 2;

const micro = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

const identityOf = (step: Step | StepRecord): string =>
  JSON.stringify(step.kind === 'action' ? [step.host, step.action] : [step.kind, step.seconds]);

function plannedText(step: Step): string {
  if (step.kind === 'action') return `${step.host}: ${step.action}`;
  return `${step.kind === 'quiet' ? 'quiet' : 'watching'} for ${plainDuration(step.seconds)}`;
}

interface Alignment {
  /** The place in the plan of each step as it was played; undefined for one that has none. */
  places: (number | undefined)[];
  /** Places in the plan to which no step belongs. */
  missing: number[];
}

/** Which step of the plan each step is: those at both ends that agree one by one, between them whatever says the same. */
function align({ timeline }: ActPlan, steps: readonly StepRecord[]): Alignment {
  const [planned, played] = [timeline.map(identityOf), steps.map(identityOf)];
  const least = Math.min(planned.length, played.length);
  let before = 0;
  while (before < least && planned[before] === played[before]) before++;
  let after = 0;
  while (after < least - before && planned.at(-1 - after) === played.at(-1 - after)) after++;
  const free = new Map<string, number[]>();
  for (let place = before; place < planned.length - after; place++)
    free.set(planned[place] as string, [...(free.get(planned[place] as string) ?? []), place]);
  const places = played.map((step, index) => {
    if (index < before) return index;
    if (index >= played.length - after) return index - played.length + planned.length;
    return free.get(step)?.shift();
  });
  return { places, missing: [...free.values()].flat().sort((a, b) => a - b) };
}

function strangers({ timeline }: ActPlan, steps: readonly StepRecord[], { places, missing }: Alignment): Deviation[] {
  const unplanned = steps.flatMap(({ text }, index): Deviation[] =>
    places[index] === undefined ? [{ kind: 'unplanned', step: index + 1, text }] : [],
  );
  if (missing.length > 0 || unplanned.length > 0)
    return [
      ...missing.map((place): Deviation => {
        return { kind: 'missing', step: place + 1, text: plannedText(timeline[place] as Step) };
      }),
      ...unplanned,
    ];
  const at = places.findIndex((place, index) => place !== index);
  if (at < 0) return [];
  const [planned, played] = [timeline[at] as Step, steps[at] as StepRecord];
  return [{ kind: 'order', step: at + 1, text: played.text, planned: plannedText(planned) }];
}

function lengths(act: ActPlan, steps: readonly StepRecord[], { places }: Alignment): Deviation[] {
  return steps.flatMap((step, index): Deviation[] => {
    const place = places[index];
    if (place === undefined) return [];
    const { least, most } = stepLength(act, place);
    const lasted = step.to - step.from;
    const said = { step: index + 1, text: step.text, lastedSeconds: micro(lasted) };
    if (!(lasted >= least - EARLY_SECONDS)) return [{ kind: 'shorter', ...said, plannedSeconds: least }];
    if (!(lasted <= most + LATE_SECONDS)) return [{ kind: 'longer', ...said, plannedSeconds: most }];
    return [];
  });
}

/** One step follows the other at once, the first the act's beginning, the act's end the last. */
function seams({ from, to, steps }: ActRecord): Deviation[] {
  return [...steps, { from: to }].flatMap((step, index): Deviation[] => {
    const apart = step.from - (steps[index - 1]?.to ?? from);
    const place = { step: index + 1, seconds: micro(Math.abs(apart)) };
    if (!(apart >= -EARLY_SECONDS)) return [{ kind: 'overlap', ...place }];
    if (!(apart <= LATE_SECONDS)) return [{ kind: 'gap', ...place }];
    return [];
  });
}

/** In what an act, as it was played, is not what its plan says. */
export function deviationsOf(plan: ActPlan, record: ActRecord): Deviation[] {
  const alignment = align(plan, record.steps);
  return [...lengths(plan, record.steps, alignment), ...strangers(plan, record.steps, alignment), ...seams(record)];
}

function sentenceOf(deviation: Deviation): string {
  switch (deviation.kind) {
    case 'shorter':
    case 'longer':
      return `step ${deviation.step}, “${deviation.text}”, lasted ${plainDuration(deviation.lastedSeconds)} instead of ${plainDuration(deviation.plannedSeconds)}`;
    case 'missing':
      return `step ${deviation.step}, “${deviation.text}”, was not played`;
    case 'unplanned':
      return `step ${deviation.step}, “${deviation.text}”, was played although it is not in the plan`;
    case 'order':
      return `step ${deviation.step} was “${deviation.text}”, where “${deviation.planned}” is planned`;
    case 'overlap':
      return `step ${deviation.step} began ${plainDuration(deviation.seconds)} before the one before it had ended`;
    case 'gap':
      return `nothing was played for ${plainDuration(deviation.seconds)} before step ${deviation.step}`;
  }
}

/** The finding that says why nothing else counts. */
export const timelineFinding = (deviations: readonly Deviation[]): Finding => ({
  id: 'timeline',
  params: {},
  ...cannotTell({
    title: 'the act was not played as planned',
    expected: 'the steps of the timeline one after another, each as long as planned',
    observed: deviations.map(sentenceOf).join('; '),
    why: 'What happens in a quiet of another length, or after other steps, says nothing about the plan. Either the machine was too busy to play the timeline, or the evidence was changed.',
  }),
});
