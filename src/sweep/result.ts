import { z } from 'zod';
import { ladderSchema } from '../judge/result.ts';
import { conditionsSchema } from './conditions.ts';

/** The result document of a sweep, of which every report is a function. `schemas/sweep-result.schema.json` is made from it. */

const seconds = z.number();
/** Between which times; null: never. */
const times = z.strictObject({ from: seconds.nullable(), to: seconds.nullable() });
const certainty = z.enum(['yes', 'maybe', 'no']);
const proportion = z.strictObject({
  yes: z.number(),
  of: z.number(),
  low: z.number().describe('Wilson’s interval, 95 %'),
  high: z.number(),
});

const keepalive = z.union([
  z.literal('off'),
  z.strictObject({
    idleSeconds: seconds,
    intervalSeconds: seconds,
    probes: z.number(),
    userTimeoutSeconds: seconds.optional(),
  }),
]);
const side = z.strictObject({
  keepalive,
  heartbeatSeconds: seconds.optional(),
  heartbeatTimeoutSeconds: seconds.optional(),
  commandTimeoutSeconds: seconds.optional(),
  poolIdleSeconds: seconds.optional(),
  retries: z.number().optional(),
});
const middlebox = z.strictObject({
  layer: z.enum(['L4', 'L7']),
  timeoutSeconds: seconds,
  atExpiry: z.enum(['forgets', 'reset-both', 'close-both']),
  latePacket: z.enum(['reset-sender', 'drop', 'rebalance', 'closed']),
  ownTimers: z.boolean().optional(),
});
const box = z.strictObject({
  profile: z.string(),
  product: z.string(),
  playedBy: z.record(z.string(), z.unknown()),
  middlebox,
  remedy: z.string().optional(),
  confidence: z.enum(['documented', 'measured', 'secondary', 'unknown']),
  defaultSeconds: seconds,
  minSeconds: seconds.optional(),
  maxSeconds: seconds.optional(),
});

const deadPeer = z.strictObject({ idle: times, inFlight: times });
const noticed = z
  .strictObject({
    times: z.array(seconds).describe('how soon it was noticed, of each repeat that noticed'),
    unnoticed: z.number().describe('how many repeats had not, when the watch was over'),
    watchedSeconds: seconds,
  })
  .nullable();

const options = z.strictObject({
  keepalive: z.boolean(),
  idleSeconds: seconds,
  intervalSeconds: seconds,
  probes: z.number(),
  userTimeoutMs: z.number(),
});

const predicted = z.strictObject({
  survives: certainty,
  lost: z.record(z.string(), certainty),
  outage: z.record(z.string(), certainty),
  firstRequest: z.array(z.string()),
  timeoutSeconds: times,
  deadPeer: z.strictObject({ client: deadPeer, server: deadPeer }),
  bytesAnHour: times,
  zombie: certainty,
});

const measured = z.strictObject({
  survives: proportion,
  firstRequest: z.record(z.string(), z.number()).describe('how often it met what'),
  requestSeconds: z.array(seconds).describe('how long it took until that was known'),
  lost: z.record(z.string(), proportion),
  outage: z.record(z.string(), proportion),
  deadPeer: z.strictObject({
    client: z.strictObject({ idle: noticed, inFlight: noticed }),
    server: z.strictObject({ idle: noticed, inFlight: noticed }),
  }),
  cost: z
    .strictObject({ packetsAnHour: z.number(), bytesAnHour: z.number() })
    .nullable()
    .describe('of one idle connection, both ways; null where it did not last'),
  zombies: proportion,
  lostMessages: z.number().describe('requests that no server executed, although the client asked again'),
  duplicatedCommands: z.number().describe('requests that servers executed twice, for the client asked again'),
  kernel: z
    .strictObject({ client: options.nullable(), server: options.nullable() })
    .describe('what getsockopt(2) said of both ends'),
});

const demand = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('quiet') }),
  z.strictObject({ kind: z.literal('lost'), count: z.number() }),
  z.strictObject({ kind: z.literal('outage'), seconds }),
  z.strictObject({ kind: z.literal('dead-peer'), withinSeconds: seconds }),
]);
export type Demand = z.infer<typeof demand>;

const direction = z.enum(['longer', 'shorter']);
const expected = z.enum(['holds', 'breaks']).describe('by the model, which is certain of it');
const substitute = z.enum(['patient-heartbeat', 'heartbeat', 'keepalive', 'longer-timeout']);

const why = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('lateness') }).describe('to show how late timers are'),
  z
    .strictObject({ kind: z.literal('boundary'), lever: z.string(), direction, expected })
    .describe('next to the best: the last value that certainly holds, or the first that certainly breaks'),
  z
    .strictObject({ kind: z.literal('substitute'), by: substitute })
    .describe('what should do it where nothing in the landscape does'),
]);
export type Why = z.infer<typeof why>;

const cell = z.strictObject({
  id: z.string(),
  /** Index into `spec.boxes` of the document. */
  box: z.number(),
  why: why.optional().describe('why it is there, where it is not a point of the landscape'),
  point: z.record(z.string(), z.number()),
  client: side,
  server: side,
  predicted,
  measured: measured.nullable(),
  demands: z
    .array(z.strictObject({ demand, predicted: certainty, measured: proportion.nullable() }))
    .describe('what is asked of a recommended tuning, and whether this one does it'),
});
export type CellResult = z.infer<typeof cell>;

const disagreement = z.strictObject({
  trial: z.string(),
  predicted: z.string(),
  measured: z.string(),
});

const setting = z.strictObject({
  target: z.string(),
  title: z.string(),
  version: z.string().nullable().describe('of the library or program it was written for'),
  tested: z.string().describe('how, or "not tested here"'),
  text: z.string(),
  note: z.string().optional(),
});

const neighbour = z.strictObject({
  cell: z.string(),
  direction,
  expected,
  seen: z.enum(['holds', 'breaks', 'not-measured']),
  failed: z.array(z.strictObject({ demand, measured: proportion })).describe('the demands that it broke'),
  says: z.string(),
});
export type Neighbour = z.infer<typeof neighbour>;

const alternative = z.strictObject({
  cell: z.string(),
  by: substitute,
  missing: z.array(demand).describe('the demands that it does not meet'),
  says: z.string(),
});
export type Alternative = z.infer<typeof alternative>;

const recommendation = z.strictObject({
  box: z.number(),
  verdict: z.enum(['found', 'none', 'no-tcp-setting', 'not-needed']),
  sentence: z.string(),
  /** Ids of cells. */
  cell: z.string().nullable(),
  margin: z.string().nullable(),
  neighbours: z.array(neighbour),
  alternatives: z.array(alternative),
  remedy: z.string().nullable(),
  settings: z.array(setting),
});
export type Recommendation = z.infer<typeof recommendation>;

const trap = z.strictObject({ id: z.string(), title: z.string(), why: z.string(), seen: z.string() });
export type Trap = z.infer<typeof trap>;

const axis = z.strictObject({
  side: z.enum(['client', 'server']),
  parameter: z.string(),
  values: z.array(z.number()),
});

/** Counts up when a document of before cannot be read any more. */
export const SWEEP_SCHEMA_VERSION = 2;

export const sweepResultSchema = z.strictObject({
  schemaVersion: z.literal(SWEEP_SCHEMA_VERSION),
  kind: z.literal('sweep'),
  name: z.string(),
  title: z.string(),
  story: z.string(),
  engine: z.string(),
  pace: z.enum(['production', 'compressed']),
  hz: z.number(),
  conditions: z
    .array(conditionsSchema.extend({ trials: z.number() }))
    .describe(
      'under which its trials were measured; they differ in the machine at most, and in which programs played a part',
    ),
  startedAt: z.string(),
  wallSeconds: seconds.describe(
    'what the person waited for measuring, conclusions and witnesses; of a sweep that was interrupted, in all its parts together',
  ),
  quietSeconds: seconds,
  repeat: z.number(),
  seed: z.number(),
  axes: z.array(axis),
  boxes: z.array(box),
  demands: z.strictObject({ lost: z.number(), outageSeconds: seconds, noticeSeconds: seconds }),
  lost: z.array(z.number()),
  outages: z.array(seconds),
  verdict: z.enum(['pass', 'fail', 'inconclusive']),
  trials: z.strictObject({
    measured: z.number().describe('trials for which there is a prediction'),
    agree: z.number(),
    unanswered: z.number(),
    unpredicted: z.number().describe('measured too, but the model says nothing of them: commands that are asked again'),
  }),
  disagreements: z.array(disagreement),
  problems: z.array(z.string()),
  cells: z.array(cell),
  common: z
    .strictObject({ sentence: z.string(), cells: z.array(z.string()) })
    .nullable()
    .describe(
      'one tuning that does all that is asked behind each middlebox; null where there is none, or only one middlebox',
    ),
  recommendations: z.array(recommendation),
  traps: z.array(trap),
  witnesses: z
    .array(z.strictObject({ cell: z.string(), title: z.string(), says: z.string(), ladder: ladderSchema }))
    .describe('single connections, packet by packet'),
});
export type SweepResult = z.infer<typeof sweepResultSchema>;
export type MeasuredCell = NonNullable<CellResult['measured']>;
export type PredictedCell = CellResult['predicted'];
