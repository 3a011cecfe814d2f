// Tunings of all kinds, drawn by chance from a seed: for the model to be held against the kernel.
import fc from 'fast-check';
import type { Keepalive } from '../../src/model/keepalive.ts';
import type { Cell, Side } from '../../src/model/predict.ts';
import { type Asking, questionsOf, type Trial, trialOf } from '../../src/plan/trial.ts';
import type { SweptBox } from '../../src/sweep/spec.ts';
import { sweptBoxes } from '../../src/sweep/spec.ts';

export interface Sizes {
  /** Shortest and longest of each, seconds. */
  idle: [number, number];
  heartbeat: [number, number];
  replyOrTimeout: [number, number];
  pool: [number, number];
  intervals: number[];
  patiences: number[];
  quietSeconds: number;
  asking: Asking;
}

export const NIGHT: Sizes = {
  idle: [60, 420],
  heartbeat: [120, 500],
  replyOrTimeout: [1, 60],
  pool: [60, 1000],
  intervals: [1, 5, 10, 30, 75, 200],
  patiences: [60, 240, 350, 900],
  quietSeconds: 8 * 3600,
  asking: { lost: [1, 2, 3], outages: [10, 60, 300] },
};

/** Seconds that stand for a night's, for kernels that keep the time of day. */
export const SECONDS: Sizes = {
  idle: [1, 8],
  heartbeat: [1, 8],
  replyOrTimeout: [1, 2],
  pool: [2, 9],
  intervals: [1, 2, 3],
  patiences: [2, 3, 5],
  quietSeconds: 11,
  asking: { lost: [1, 2], outages: [1, 3] },
};

const OPEN = { noNullPrototype: true };
const within = ([min, max]: [number, number]) => fc.integer({ min, max });
/** Once in so many. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, times = 4) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** Without what is undefined. */
const whole = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function sides(sizes: Sizes): { client: fc.Arbitrary<Side>; server: fc.Arbitrary<Side> } {
  const settings: fc.Arbitrary<Keepalive> = fc
    .record(
      {
        idleSeconds: within(sizes.idle),
        intervalSeconds: fc.constantFrom(...sizes.intervals),
        probes: within([1, 9]),
        userTimeoutSeconds: seldom(within([sizes.idle[0], sizes.idle[1]])),
      },
      OPEN,
    )
    .map((drawn) => whole(drawn) as Keepalive);
  const often = fc.oneof({ weight: 1, arbitrary: fc.constant('off' as const) }, { weight: 4, arbitrary: settings });
  const seldomOn = fc.oneof({ weight: 2, arbitrary: fc.constant('off' as const) }, { weight: 1, arbitrary: settings });
  const client = fc
    .record(
      {
        keepalive: often,
        heartbeatSeconds: seldom(within(sizes.heartbeat)),
        heartbeatTimeoutSeconds: seldom(within(sizes.replyOrTimeout), 2),
        commandTimeoutSeconds: seldom(within(sizes.replyOrTimeout)),
        poolIdleSeconds: seldom(within(sizes.pool), 8),
      },
      OPEN,
    )
    .map((drawn): Side => {
      const { heartbeatTimeoutSeconds, ...side } = whole(drawn) as Side;
      const beat = side.heartbeatSeconds;
      // A reply that may take longer than the next beat would be another kind of heartbeat.
      return beat === undefined || heartbeatTimeoutSeconds === undefined || heartbeatTimeoutSeconds >= beat
        ? side
        : { ...side, heartbeatTimeoutSeconds };
    });
  return { client, server: seldomOn.map((keepalive): Side => ({ keepalive })) };
}

export interface SampleOptions {
  sizes: Sizes;
  profiles: string[];
  count: number;
  seed: number;
  hz: number;
}

/** All trials of so many tunings, each once. */
export function sampleTrials({ sizes, profiles, count, seed, hz }: SampleOptions): Trial[] {
  const { client, server } = sides(sizes);
  const boxes = profiles.flatMap((profile) => sweptBoxes(profile, sizes.patiences));
  const drawn = fc.sample(fc.tuple(client, server, fc.constantFrom<SweptBox>(...boxes)), { numRuns: count, seed });
  const trials = drawn.flatMap(([mine, theirs, box]) => {
    const cell: Cell = { client: mine, server: theirs, middlebox: box.middlebox, quietSeconds: sizes.quietSeconds, hz };
    return questionsOf(cell, sizes.asking).map((question) => trialOf(cell, box.playedBy, question, 1, seed));
  });
  return [...new Map(trials.map((trial) => [trial.key, trial])).values()];
}
