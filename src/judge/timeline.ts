import { formatDuration, plainDuration } from '../base/duration.ts';
import type { PathPlan } from '../plan/paths.ts';
import {
  type ActionStep,
  type ActPlan,
  actionsOf,
  boxesOf,
  connectionsOf,
  type Step,
  stepLength,
} from '../plan/plan.ts';
import type { ActRecord, StepRecord } from '../stage/record.ts';
import { cannotTell } from './check.ts';
import type { Deviation, Finding } from './result.ts';

// Whether an act was played as its plan says. What was seen in a night of another length proves nothing about the one that was
// asked for, so no other finding is believed then.

/**
 * By how much a step may seem too short, seconds: the readings of Node's two clocks at its beginning and at its end lie up to
 * 2 ms apart (src/base/clock.ts). A wait itself is never cut short: the lab waits until its clock is there.
 */
const EARLY_SECONDS = 0.01;
/**
 * By how much a wait may be too long besides the looks that end it, seconds, whatever its length. A step ends with a line in a
 * file; a timer of hours fires up to 0.1 s late (epoll's slack). Measured: 20 to 40 ms, with two busy loops on two processors
 * as well.
 */
const FLOOR_SECONDS = 0.25;
/** What a last look and the brokers' ledgers add to the act's end: measured, 0.09 to 0.16 s, and 0.2 s on containers. */
const END_SECONDS = 0.25;
/** What each connection adds to that where looks were not timed: one at 3,000 takes 0.25 s, and twice that at the act's end. */
const LOOK_SECONDS = 0.0002;
/**
 * What a wait may be too long by besides, as a share of the act's longest: where a plan is compressed to seconds, so is its
 * tolerance. Beside a night of hours a look that a busy machine holds up for a second is nothing (measured: 1.04 s).
 */
const SHARE = 0.05;
/** More is never excused: a night of hours would have minutes. */
const MOST_SECONDS = 2;

function toleranceOf(act: ActPlan): number {
  const longest = Math.max(0, ...act.timeline.map((step) => ('seconds' in step ? step.seconds : 0)));
  return Math.min(MOST_SECONDS, FLOOR_SECONDS + LOOK_SECONDS * connectionsOf(act) + SHARE * longest);
}

const micro = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

const identityOf = (step: Step | StepRecord): string => {
  if ('seconds' in step) return JSON.stringify([step.kind, step.seconds]);
  const actions = 'actions' in step ? step.actions : actionsOf(step);
  return JSON.stringify(actions.map(({ host, action }) => [host, action]));
};

/** What a step is to the silence of one client's connections: what it does itself, and what its servers send to it. */
const talks = (path: PathPlan, step: Step): 'sends' | 'ends' | undefined => {
  const concerns = ({ host, params }: ActionStep) =>
    host === path.client || (path.servers.includes(host) && (params.to ?? path.client) === path.client);
  const words = actionsOf(step).flatMap((action) => (concerns(action) ? (action.talks ?? []) : []));
  return words.includes('sends') ? 'sends' : words[0];
};

function plannedText(step: Step): string {
  if (!('seconds' in step))
    return actionsOf(step)
      .map(({ host, action }) => `${host}: ${action}`)
      .join('; ');
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

/** How much of a time the lab spent on looks, seconds: an overlap of two counts once. */
function lookSeconds({ looks = [] }: ActRecord, from: number, to: number): number {
  let [sum, counted] = [0, from];
  for (const look of [...looks].sort((a, b) => a.from - b.from)) {
    sum += Math.max(0, Math.min(look.to, to) - Math.max(look.from, counted));
    counted = Math.max(counted, look.to);
  }
  return sum;
}

/**
 * How much of a wait was looks after its end was due, seconds. They are the lab's work: a busy machine, or a container engine,
 * makes them last. Not more than the wait itself: what lasts longer than that is no end of it. Whether a silence has crossed the
 * idle timeout meanwhile is judged by its whole length (`crossings`).
 */
const lookingOn = (record: ActRecord, { from, to }: StepRecord, seconds: number): number =>
  Math.min(seconds, lookSeconds(record, from + seconds, to));

interface Seam {
  /** Which step it is before; the act's end counts as one. */
  index: number;
  seconds: number;
  /** How much of it is work of the lab's that belongs there, at most. */
  work: number;
  /** How long it may be besides: as much as a wait may be too long. */
  most: number;
}

/** The time between each step and the one before it, the act's beginning and its end included. */
function seamsOf(act: ActPlan, record: ActRecord): Seam[] {
  const { from, to, steps } = record;
  const most = toleranceOf(act);
  return [...steps, { from: to }].map((step, index) => ({
    index,
    seconds: step.from - (steps[index - 1]?.to ?? from),
    // The last look is work, like an action, and not a longer wait.
    work: index === steps.length ? END_SECONDS + lookSeconds(record, steps.at(-1)?.to ?? from, to) : 0,
    most,
  }));
}

/**
 * Only actions may take longer than planned, up to the lab's patience: thousands of connections need real time. A wait may not,
 * for its length is what the act is about; the seams on both sides of it are part of the same silence, so they count with it.
 */
function lengths(act: ActPlan, record: ActRecord, { places }: Alignment): Deviation[] {
  const { steps } = record;
  const seams = seamsOf(act, record).map(({ seconds, work, most }) =>
    seconds > work && seconds <= work + most ? seconds - work : 0,
  );
  return steps.flatMap((step, index): Deviation[] => {
    const place = places[index];
    if (place === undefined) return [];
    const { least, most } = stepLength(act, act.timeline[place] as Step);
    const lasted = step.to - step.from;
    const said = { step: index + 1, text: step.text, lastedSeconds: micro(lasted) };
    if (!(lasted >= least - EARLY_SECONDS)) return [{ kind: 'shorter', ...said, plannedSeconds: least }];
    const whole =
      'actions' in step
        ? lasted
        : lasted - lookingOn(record, step, most) + (seams[index] as number) + (seams[index + 1] as number);
    if (!(whole <= most + toleranceOf(act)))
      return [{ kind: 'longer', ...said, lastedSeconds: micro(whole), plannedSeconds: most }];
    return [];
  });
}

/** One step follows the other at once, the first the act's beginning, the act's end the last. */
const apart = (act: ActPlan, record: ActRecord): Deviation[] =>
  seamsOf(act, record).flatMap(({ index, seconds, work, most }): Deviation[] => {
    const place = { step: index + 1, seconds: micro(Math.abs(seconds)) };
    if (!(seconds >= -EARLY_SECONDS)) return [{ kind: 'overlap', ...place }];
    if (!(seconds <= work + most)) return [{ kind: 'gap', ...place }];
    return [];
  });

/** The timers of silence that a path's boxes have, each with its box. */
const silenceTimers = (act: ActPlan, { boxes }: PathPlan): { box: string; seconds: number }[] =>
  boxesOf(act)
    .filter(({ name }) => boxes.includes(name))
    .flatMap(({ name, timers: { idleSeconds, sides } }) =>
      [...new Set([idleSeconds, ...Object.values(sides ?? {})])].map((seconds) => ({ box: name, seconds })),
    );

/**
 * Silences that end on the other side of an idle timeout than planned, within every tolerance or not: a flow is forgotten where it
 * should be remembered, or the other way round. Each client has its own silences, and every box on its path its timers. A silence
 * lasts from the beginning of one step in which the client sends to the beginning of the next, or to the act's end. So the time
 * that its connections take to open and to have their answers counts: the first is idle while the last one is served. Faults end
 * no silence, and neither does another client. A plan whose silence is as long as the timeout is on neither side.
 */
function crossings(act: ActPlan, { to, steps }: ActRecord): Deviation[] {
  const several = act.paths.length > 1 || boxesOf(act).length > 1;
  return act.paths.flatMap((path) => {
    const timers = silenceTimers(act, path);
    const found: Deviation[] = [];
    let since: { from: number; planned: number } | undefined;
    for (const [index, step] of [...act.timeline, undefined].entries()) {
      const talk = step === undefined ? 'ends' : talks(path, step);
      const { from } = steps[index] ?? { from: to };
      if (talk !== undefined && since !== undefined) {
        const [planned, lasted] = [since.planned, from - since.from];
        for (const { box, seconds } of timers)
          if (planned < seconds ? lasted >= seconds : planned > seconds && lasted < seconds)
            found.push({
              kind: 'crossed-timeout',
              step: index + 1,
              plannedSeconds: micro(planned),
              lastedSeconds: micro(lasted),
              timeoutSeconds: seconds,
              ...(several ? { client: path.client, box } : {}),
            });
      }
      if (talk !== undefined) since = talk === 'sends' ? { from, planned: 0 } : undefined;
      if (since !== undefined && step !== undefined) since.planned += stepLength(act, step).least;
    }
    return found;
  });
}

/** In what an act, as it was played, is not what its plan says. */
export function deviationsOf(plan: ActPlan, record: ActRecord): Deviation[] {
  const alignment = align(plan, record.steps);
  const others = strangers(plan, record.steps, alignment);
  return [
    ...lengths(plan, record, alignment),
    ...others,
    ...apart(plan, record),
    // Of other steps nobody can say how long their silences were planned.
    ...(others.length === 0 ? crossings(plan, record) : []),
  ];
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
    case 'crossed-timeout':
      return `the silence${deviation.client === undefined ? '' : ` of ${deviation.client}`} before step ${deviation.step} lasted ${formatDuration(deviation.lastedSeconds)} instead of ${plainDuration(deviation.plannedSeconds)}: on the other side of ${deviation.box === undefined ? 'the middlebox’s' : `${deviation.box}’s`} idle timeout, ${plainDuration(deviation.timeoutSeconds)}`;
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
