import { z } from 'zod';
import { ID } from '../base/ids.ts';
import { RESET_REASONS, SEGMENT_NAMES } from '../wire/segments.ts';

// The result document: the one source of every report. Its JSON Schema is published as schemas/result.schema.json.
// All times named `at` are seconds since the beginning of their act's timeline, on the lab's clock.

const id = z.string().regex(ID, 'expected a name of lower-case letters, digits and dashes');
const seconds = z.number();
const count = z.number().int().min(0);

export const pointerSchema = z.union([
  z.strictObject({ packet: z.number().int().min(1).describe('frame number in capture.pcapng'), note: z.string() }),
  z.strictObject({ socket: z.string().describe('host'), at: seconds, note: z.string() }),
  z.strictObject({ flow: z.string().describe('host'), at: seconds, note: z.string() }),
  z.strictObject({ event: z.string().describe('host'), at: seconds, note: z.string() }),
]);
export type Pointer = z.infer<typeof pointerSchema>;

export const STATUSES = ['pass', 'fail', 'unknown'] as const;
export const VERDICTS = ['pass', 'fail', 'inconclusive'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const findingSchema = z.strictObject({
  id: z.string().describe('name of the check'),
  params: z.record(z.string(), z.unknown()),
  title: z.string(),
  status: z.enum(STATUSES),
  expected: z.string(),
  observed: z.string(),
  why: z.string(),
  remedy: z
    .array(z.strictObject({ where: z.string().describe('whose configuration'), text: z.string() }))
    .describe('the fix in the configuration language of the reader, with production values'),
  evidence: z.array(pointerSchema),
});
export type Finding = z.infer<typeof findingSchema>;

const keepaliveSchema = z.strictObject({
  host: z.string(),
  process: z.string(),
  sockets: count,
  asked: z.string().describe('what the configuration asked for'),
  kernel: z
    .strictObject({
      on: z.boolean(),
      idleSeconds: seconds,
      intervalSeconds: seconds,
      probes: count,
      userTimeoutMs: count,
    })
    .describe('what getsockopt(2) says'),
  timer: z
    .string()
    .nullable()
    .describe('the timer as ss -o and netstat -o show it, at the last look before the quiet ended'),
});
export type KeepaliveRow = z.infer<typeof keepaliveSchema>;

/** Events of a client library that stand in a ladder. */
export const LADDER_EVENTS = ['error', 'close', 'failed', 'reconnecting'] as const;
export type LadderEvent = (typeof LADDER_EVENTS)[number];

const rowSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('step'), at: seconds, text: z.string() }),
  z.strictObject({
    kind: z.literal('packet'),
    at: seconds,
    packet: count,
    from: z.string(),
    to: z.string(),
    lost: z.boolean(),
    flags: z
      .string()
      .regex(/^[SFRPAUEC]*$/)
      .describe('a letter for each: SYN, FIN, RST, PSH, ACK, URG, ECE, CWR'),
    seq: z.number(),
    ack: z.number(),
    length: count,
    name: z
      .enum([...SEGMENT_NAMES, 'handshake'])
      .describe('what it is for; `handshake`: in results from before its three segments had names of their own'),
    reset: z
      .enum(RESET_REASONS)
      .optional()
      .describe('of a RST: why it was sent, as far as the capture where it was sent can tell'),
    note: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('states'),
    at: seconds,
    label: z.string(),
    states: z.record(z.string(), z.string()).describe('by host, in words'),
    zombies: z.array(z.string()).optional().describe('hosts on which an end of the connection is a zombie'),
  }),
  z.strictObject({
    kind: z.literal('event'),
    at: seconds,
    host: z.string(),
    event: z.enum(LADDER_EVENTS).describe('what the client library told'),
    text: z.string().describe('the same in words'),
  }),
  z.strictObject({
    kind: z.literal('fold'),
    at: seconds,
    seconds,
    packets: count,
    text: z.string(),
    times: count.min(1).optional().describe('of what repeats: how often the same came again'),
    everySeconds: seconds.optional().describe('of what repeats: its period, where it has one'),
    firstPacket: count.min(1).optional().describe('the first packet that is folded, by its number in capture.pcapng'),
    lastPacket: count.min(1).optional().describe('the last one'),
  }),
]);
export type LadderRow = z.infer<typeof rowSchema>;

export const ladderSchema = z.strictObject({
  connection: count.describe('which of the client’s connections is drawn'),
  lanes: z
    .array(z.strictObject({ host: z.string(), role: z.string() }))
    .describe('the hosts of its path, from the client on; of servers those that it got to'),
  rows: z.array(rowSchema),
});
export type Ladder = z.infer<typeof ladderSchema>;

const clientOutcome = {
  requestsAfterQuiet: z
    .strictObject({ ok: count, reset: count, timeout: count, closed: count, other: count })
    .describe('what the first request after the quiet met on each connection, before the library tried again'),
  lostInQuiet: count.describe('connections of the pool that ended during the quiet'),
  replayed: count.describe('of these, requests that the library sent again on a new connection'),
  firstReplySeconds: seconds
    .nullable()
    .describe('from the first request after the quiet to the first reply, tries included'),
  lostMessages: count.describe('requests that no server has applied by the end'),
  duplicatedCommands: count.describe('requests that servers have applied more than once'),
};

const role = z.enum(['client', 'middlebox', 'server']);

export const outcomeSchema = z.strictObject({
  ...clientOutcome,
  zombies: z.strictObject({ client: count, middlebox: count, server: count }).describe('at the end of the act'),
  probesSent: count.describe('keepalive probes by all hosts'),
  detectionSeconds: seconds
    .nullable()
    .describe('from the loss of the other end to the moment at which this end noticed'),
  hosts: z
    .record(id, z.strictObject({ role, zombies: count.nullable(), probesSent: count.nullable() }))
    .describe('the same figures by host; null in results from before they were recorded'),
  clients: z.record(id, z.strictObject(clientOutcome)).describe('the same figures by client host'),
});
export type Outcome = z.infer<typeof outcomeSchema>;

const place = count
  .min(1)
  .describe('number of the step in the timeline as it was played; in the plan, for a missing one');

export const deviationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['shorter', 'longer']),
    step: place,
    text: z.string(),
    plannedSeconds: seconds.describe('the least, or the most, that the plan allows'),
    lastedSeconds: seconds,
  }),
  z.strictObject({ kind: z.literal('missing'), step: place, text: z.string() }),
  z.strictObject({ kind: z.literal('unplanned'), step: place, text: z.string() }),
  z
    .strictObject({ kind: z.literal('order'), step: place, text: z.string(), planned: z.string() })
    .describe('the steps are those of the plan, in another order: the first that differs'),
  z
    .strictObject({ kind: z.literal('overlap'), step: place, seconds })
    .describe('the step began before the one before it had ended; the act’s end counts as a step'),
  z
    .strictObject({ kind: z.literal('gap'), step: place, seconds })
    .describe('time between a step and the one before it, in which nothing was played'),
  z
    .strictObject({
      kind: z.literal('crossed-timeout'),
      step: place,
      plannedSeconds: seconds,
      lastedSeconds: seconds,
      timeoutSeconds: seconds.describe('the idle timeout of the box that was crossed, as played'),
      client: id.exactOptional().describe('whose silence, where there are several clients or boxes'),
      box: id.exactOptional().describe('whose timeout, where there are several'),
    })
    .describe(
      'the client’s silence before the step ended on the other side of the idle timeout than planned; the act’s end counts as a step',
    ),
]);
export type Deviation = z.infer<typeof deviationSchema>;

const timersSchema = z
  .strictObject({
    idleSeconds: seconds.describe('how long it remembers an idle connection; of two timers the shorter one'),
    sides: z
      .exactOptional(z.strictObject({ clientSeconds: seconds, serverSeconds: seconds }))
      .describe('its timers towards clients and towards servers, where it has two'),
    lifeSeconds: z.exactOptional(seconds).describe('the longest that a connection may live at all'),
  })
  .describe('seconds');

const actSchema = z.strictObject({
  name: id,
  title: z.string(),
  verdict: z.enum(VERDICTS),
  tuning: z.record(z.string(), z.unknown()).describe('as played, seconds'),
  productionTuning: z.record(z.string(), z.unknown()),
  hz: count
    .nullable()
    .describe('timer interrupts a second of the kernel that played it: they decide how late long timers fire'),
  labSeconds: seconds,
  waitSeconds: seconds.describe('what the timeline itself asks to wait'),
  deviations: z
    .array(deviationSchema)
    .describe('in what the act was not played as planned; with any, its verdict is inconclusive whatever was found'),
  outcome: outcomeSchema,
  keepalive: z.array(keepaliveSchema),
  findings: z.array(findingSchema),
  paths: z
    .array(z.strictObject({ client: id, boxes: z.array(id), servers: z.array(id) }))
    .describe('whose connections pass which hosts, in their order'),
  ladders: z.array(ladderSchema).describe('one for each path: the first lane is its client'),
});
export type ActResult = z.infer<typeof actSchema>;

export const resultSchema = z.strictObject({
  schemaVersion: z.literal(2),
  scenario: z.string(),
  title: z.string(),
  story: z.string(),
  engine: z.string(),
  pace: z.enum(['production', 'compressed']),
  verdict: z.enum(VERDICTS),
  startedAt: z.string(),
  labSeconds: seconds,
  wallSeconds: seconds.describe(
    'what the person waited: from the start of the command (of several scenarios, from this one’s own turn) until its reports are written, judging and writing included; the writing is rehearsed, for the reports say this figure themselves',
  ),
  speedUp: seconds.describe('seconds on the lab’s clock for one that the person waited'),
  overheadSeconds: seconds
    .nullable()
    .describe('wall time without the waits that the timeline asks for; null where lab time is not real time'),
  memoryMb: z.strictObject({ lab: count, orchestrator: count }).describe('peak resident memory'),
  versions: z.record(z.string(), z.string()),
  middleboxes: z
    .array(
      z.strictObject({
        host: id,
        profile: z.string(),
        product: z.string(),
        layer: z.enum(['L4', 'L7']).nullable().describe('null in results from before it was recorded'),
        timers: timersSchema,
        productionTimers: timersSchema,
      }),
    )
    .describe('in the order of the paths'),
  acts: z.array(actSchema),
  /** Present when the run could not be finished or judged: what happened, and what to do. */
  problem: z.strictObject({ code: z.string(), message: z.string(), todo: z.string() }).nullable(),
  next: z.string().nullable(),
});
export type Result = z.infer<typeof resultSchema>;
