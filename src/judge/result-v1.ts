import { z } from 'zod';
import { ID } from '../base/ids.ts';

// The result document as it was before acts had several boxes and hosts. It is frozen: it stands here so that stored results
// can still be read, and nothing writes it any more.

const id = z.string().regex(ID, 'expected a name of lower-case letters, digits and dashes');
const seconds = z.number();
const count = z.number().int().min(0);

const pointerSchema = z.union([
  z.strictObject({ packet: z.number().int().min(1), note: z.string() }),
  z.strictObject({ socket: z.string(), at: seconds, note: z.string() }),
  z.strictObject({ flow: z.string(), at: seconds, note: z.string() }),
  z.strictObject({ event: z.string(), at: seconds, note: z.string() }),
]);

const STATUSES = ['pass', 'fail', 'unknown'] as const;
const VERDICTS = ['pass', 'fail', 'inconclusive'] as const;

const findingSchema = z.strictObject({
  id: z.string(),
  params: z.record(z.string(), z.unknown()),
  title: z.string(),
  status: z.enum(STATUSES),
  expected: z.string(),
  observed: z.string(),
  why: z.string(),
  remedy: z.array(z.strictObject({ where: z.string(), text: z.string() })),
  evidence: z.array(pointerSchema),
});

const keepaliveSchema = z.strictObject({
  host: z.string(),
  process: z.string(),
  sockets: count,
  asked: z.string(),
  kernel: z.strictObject({
    on: z.boolean(),
    idleSeconds: seconds,
    intervalSeconds: seconds,
    probes: count,
    userTimeoutMs: count,
  }),
  timer: z.string().nullable(),
});

/** Events of a client library that stand in a ladder. */
const LADDER_EVENTS = ['error', 'close', 'failed', 'reconnecting'] as const;

const rowSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('step'), at: seconds, text: z.string() }),
  z.strictObject({
    kind: z.literal('packet'),
    at: seconds,
    packet: count,
    from: z.string(),
    to: z.string(),
    lost: z.boolean(),
    flags: z.string().regex(/^[SFRPAUEC]*$/),
    seq: z.number(),
    ack: z.number(),
    length: count,
    name: z.string(),
    reset: z.string().optional(),
    note: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('states'),
    at: seconds,
    label: z.string(),
    states: z.record(z.string(), z.string()),
    zombies: z.array(z.string()).optional(),
  }),
  z.strictObject({
    kind: z.literal('event'),
    at: seconds,
    host: z.string(),
    event: z.enum(LADDER_EVENTS),
    text: z.string(),
  }),
  z.strictObject({
    kind: z.literal('fold'),
    at: seconds,
    seconds,
    packets: count,
    text: z.string(),
    times: count.min(1).optional(),
    everySeconds: seconds.optional(),
    firstPacket: count.min(1).optional(),
    lastPacket: count.min(1).optional(),
  }),
]);

const ladderSchema = z.strictObject({
  connection: count,
  lanes: z.array(z.strictObject({ host: z.string(), role: z.string() })),
  rows: z.array(rowSchema),
});

const outcomeSchema = z.strictObject({
  requestsAfterQuiet: z.strictObject({ ok: count, reset: count, timeout: count, closed: count, other: count }),
  lostInQuiet: count,
  replayed: count,
  firstReplySeconds: seconds.nullable(),
  zombies: z.strictObject({ client: count, middlebox: count, server: count }),
  probesSent: count,
  detectionSeconds: seconds.nullable(),
  lostMessages: count,
  duplicatedCommands: count,
});

const place = count.min(1);

const deviationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['shorter', 'longer']),
    step: place,
    text: z.string(),
    plannedSeconds: seconds,
    lastedSeconds: seconds,
  }),
  z.strictObject({ kind: z.literal('missing'), step: place, text: z.string() }),
  z.strictObject({ kind: z.literal('unplanned'), step: place, text: z.string() }),
  z.strictObject({ kind: z.literal('order'), step: place, text: z.string(), planned: z.string() }),
  z.strictObject({ kind: z.literal('overlap'), step: place, seconds }),
  z.strictObject({ kind: z.literal('gap'), step: place, seconds }),
  z.strictObject({
    kind: z.literal('crossed-timeout'),
    step: place,
    plannedSeconds: seconds,
    lastedSeconds: seconds,
    timeoutSeconds: seconds,
  }),
]);

const actSchema = z.strictObject({
  name: id,
  title: z.string(),
  verdict: z.enum(VERDICTS),
  tuning: z.record(z.string(), z.unknown()),
  productionTuning: z.record(z.string(), z.unknown()),
  hz: count.nullable(),
  labSeconds: seconds,
  waitSeconds: seconds,
  deviations: z.array(deviationSchema),
  outcome: outcomeSchema,
  keepalive: z.array(keepaliveSchema),
  findings: z.array(findingSchema),
  ladder: ladderSchema,
});

export const resultV1Schema = z.strictObject({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  title: z.string(),
  story: z.string(),
  engine: z.string(),
  pace: z.enum(['production', 'compressed']),
  verdict: z.enum(VERDICTS),
  startedAt: z.string(),
  labSeconds: seconds,
  wallSeconds: seconds,
  speedUp: seconds,
  overheadSeconds: seconds.nullable(),
  memoryMb: z.strictObject({ lab: count, orchestrator: count }),
  versions: z.record(z.string(), z.string()),
  middlebox: z.strictObject({
    host: id,
    profile: z.string(),
    product: z.string(),
    idleTimeoutSeconds: seconds,
    productionIdleTimeoutSeconds: seconds,
  }),
  acts: z.array(actSchema),
  /** Present when the run could not be finished or judged: what happened, and what to do. */
  problem: z.strictObject({ code: z.string(), message: z.string(), todo: z.string() }).nullable(),
  next: z.string().nullable(),
});
export type ResultV1 = z.infer<typeof resultV1Schema>;
