// What a sweep's folder says: sweep.json and the rows of trials.ndjson. It is written by a sweep and read from folders that may
// come from anybody.

import { z } from 'zod';
import { spentSeconds, wholeWithin, within } from '../base/bounded.ts';
import { HZ, MOST_HZ } from '../base/hz.ts';
import { FILE_NAME } from '../base/ids.ts';
import { PACES } from '../base/pace.ts';
import { ENGINE_NAMES } from '../engines/engine.ts';
import { parseDocument, parseRows } from '../evidence/document.ts';
import type { Exactly } from '../evidence/exactly.ts';
import type { SocketOptions } from '../linux/libc.ts';
import type { Middlebox } from '../model/predict.ts';
import { COUNT_LIMITS, DURATION_LIMITS, SWEEP_LIMITS } from '../plan/limits.ts';
import { middleboxSchema } from '../plan/schema.ts';
import type { KeptOutcome } from '../plan/trial.ts';
import { type Conditions, conditionsSchema } from './conditions.ts';
import { type Axis, isValueOf, PARAMETERS, type ParameterName } from './grid.ts';
import type { Demands, SweepSpec, SweptBox } from './spec.ts';

/** sweep.json. */
export interface SweepRecord {
  spec: SweepSpec;
  startedAt: string;
  /** Those under which its trials were measured, by the id that an outcome names. */
  conditions: Record<string, Conditions>;
  /** Of all runs together that measured for it. */
  wallSeconds: number;
  /** "1/4" where it is a part of a sweep. */
  shard: string | null;
}

/** Far more than anybody sweeps; a folder from elsewhere does not get to ask for more work than that. */
const MOST = { asked: 100, boxes: 1000 } as const;

const fileName = z.string().regex(FILE_NAME, 'expected a name of letters, digits, dots and dashes');
const text = z.string();
const count = z.int().min(0);
const wait = within(DURATION_LIMITS.wait);
const idleTimeout = within(DURATION_LIMITS.proxyIdleTimeout);
const vendorIdleTimeout = within(DURATION_LIMITS.vendorIdleTimeout);
const outage = within(DURATION_LIMITS.outage);
const lost = wholeWithin(COUNT_LIMITS.lost);

const middlebox = z.strictObject({
  layer: z.enum(['L4', 'L7']),
  timeoutSeconds: idleTimeout,
  atExpiry: z.enum(['forgets', 'reset-both', 'close-both']),
  latePacket: z.enum(['reset-sender', 'drop', 'rebalance', 'closed']),
  ownTimers: z.exactOptional(z.boolean()),
});

const sweptBox = z.strictObject({
  profile: fileName,
  product: text,
  playedBy: middleboxSchema.shape.playedBy,
  middlebox,
  remedy: z.exactOptional(text),
  confidence: middleboxSchema.shape.confidence,
  defaultSeconds: idleTimeout,
  minSeconds: z.exactOptional(vendorIdleTimeout),
  maxSeconds: z.exactOptional(vendorIdleTimeout),
});

const axis = z
  .strictObject({
    side: z.enum(['client', 'server']),
    parameter: z.enum(Object.keys(PARAMETERS) as [ParameterName, ...ParameterName[]]),
    values: z.array(z.number().min(0)).min(1).max(SWEEP_LIMITS.values).readonly(),
  })
  .superRefine(({ parameter, values }, context) => {
    const index = values.findIndex((value) => !isValueOf(parameter, value));
    if (index >= 0)
      context.addIssue({ code: 'custom', path: ['values', index], message: `expected a value of ${parameter}` });
  });

const demands = z.strictObject({
  lost,
  outageSeconds: outage,
  noticeSeconds: within(DURATION_LIMITS.noticeWithin),
});

const spec = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: fileName,
    title: text,
    story: text,
    pace: z.enum(PACES),
    boxes: z.array(sweptBox).min(1).max(MOST.boxes),
    axes: z.array(axis),
    quietSeconds: wait,
    repeat: wholeWithin(COUNT_LIMITS.repeat),
    seed: wholeWithin(COUNT_LIMITS.seed),
    lost: z.array(lost).max(MOST.asked),
    outages: z.array(outage).max(MOST.asked),
    demands,
    patienceSeconds: wait,
    countSeconds: wait,
    hz: z.int().min(1).max(MOST_HZ),
    engine: z.enum(ENGINE_NAMES),
    measure: z.enum(['all', 'frontier', 'none']),
  })
  // In real time it is the kernel's of some machine.
  .refine(({ engine, hz }) => engine !== 'virtual' || HZ.some((each) => each === hz), {
    path: ['hz'],
    message: `expected ${HZ.join(' or ')}`,
  });

const sweepRecord = z.strictObject({
  spec,
  startedAt: z.iso.datetime(),
  conditions: z.record(z.string(), conditionsSchema),
  wallSeconds: spentSeconds,
  shard: z
    .string()
    .regex(/^[1-9]\d{0,5}\/[1-9]\d{0,5}$/, 'expected a part, as in "1/4"')
    .refine((part) => Number(part.split('/')[0]) <= Number(part.split('/')[1]), 'expected a part of the whole')
    .nullable(),
});

const socketOptions = z.strictObject({
  keepalive: z.boolean(),
  idleSeconds: z.number(),
  intervalSeconds: z.number(),
  probes: z.number(),
  userTimeoutMs: z.number(),
});

const outcome = z.strictObject({
  key: text,
  met: z.exactOptional(z.enum(['ok', 'reopened', 'reset', 'timeout', 'closed', 'other'])),
  how: z.exactOptional(text),
  seconds: z.exactOptional(z.number()),
  endedInQuiet: z.exactOptional(z.number()),
  noticed: z.exactOptional(
    z.strictObject({ client: z.exactOptional(z.number()), server: z.exactOptional(z.number()) }),
  ),
  watchedSeconds: z.exactOptional(z.number()),
  traffic: z.exactOptional(z.strictObject({ seconds: z.number(), packets: count, bytes: z.number() })),
  zombie: z.exactOptional(z.boolean()),
  executed: z.exactOptional(count),
  told: z.exactOptional(z.boolean()),
  local: z.exactOptional(text),
  port: z.exactOptional(count),
  kernel: z.strictObject({ client: z.exactOptional(socketOptions), server: z.exactOptional(socketOptions) }),
  problem: z.exactOptional(text),
  conditions: text,
});

/** What a sweep writes, the schemas accept. */
export type Checked = [
  Exactly<Middlebox, z.infer<typeof middlebox>>,
  Exactly<SweptBox, z.infer<typeof sweptBox>>,
  Exactly<Axis, z.infer<typeof axis>>,
  Exactly<Demands, z.infer<typeof demands>>,
  Exactly<SweepSpec, z.infer<typeof spec>>,
  Exactly<SweepRecord, z.infer<typeof sweepRecord>>,
  Exactly<SocketOptions, z.infer<typeof socketOptions>>,
  Exactly<KeptOutcome, z.infer<typeof outcome>>,
];

const AGAIN = 'the folder is damaged, or another version of idlelab wrote it: sweep again';

/** @param where its file @throws LabError BAD_EVIDENCE */
export const parseSweepRecord = (json: string, where: string): SweepRecord =>
  parseDocument(json, where, sweepRecord, AGAIN);

/**
 * Outcomes, one a line. Whoever was killed may have left half a line: it is left out, and that trial is measured again.
 * @param where their file @throws LabError BAD_EVIDENCE with file and line
 */
export const parseOutcomes = (bytes: Buffer, where: string): KeptOutcome[] =>
  parseRows(bytes, where, outcome, { todo: AGAIN }).rows;
