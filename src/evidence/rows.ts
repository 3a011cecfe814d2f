// The rows of a run's NDJSON files. What the lab writes has the types on which these schemas stand; what is read is checked, for
// a runs folder may come from anybody. What a row has beside its own is left out.
import { z } from 'zod';
import { epochSeconds as time } from '../base/bounded.ts';
import { ID } from '../base/ids.ts';
import { FAILURES } from '../talk/failure.ts';
import type { Flow, FlowEvent, Tuple } from '../wire/flows.ts';
import type { ProxyLogEntry, ProxySession } from '../wire/haproxy-log.ts';
import type { SocketRow } from '../wire/sockets.ts';
import type { Exactly } from './exactly.ts';

const id = z.string().regex(ID, 'expected a name of lower-case letters, digits and dashes');
const text = z.string();
/** Epoch seconds. */
const seconds = z.number();
const count = z.int().min(0);
const port = z.int().min(0).max(0xffff);

const socketShape = {
  state: text,
  local: text,
  peer: text,
  receiveQueue: count,
  sendQueue: count,
  timer: z.object({ kind: text, seconds, retries: count }).optional(),
  inode: count,
  cookie: text,
  rto: seconds.optional(),
};
const socketRow = z.object(socketShape);

/** What getsockopt(2) says, on whose behalf. */
const kernelSocketOptions = z.object({
  process: text,
  keepalive: z.boolean(),
  idleSeconds: seconds,
  intervalSeconds: seconds,
  probes: count,
  userTimeoutMs: count,
});
const sampledSocket = z.object({ ...socketShape, kernel: z.exactOptional(kernelSocketOptions) });
export type SampledSocket = z.infer<typeof sampledSocket>;

/** Which look it was, of whom. */
const look = { act: id, sample: count, label: text, time, host: id };

/** All sockets of one host at one moment. `gone`: the host has lost its power, so it has no sockets. */
const socketSample = z.object({
  ...look,
  kind: z.literal('sample'),
  sockets: z.array(sampledSocket),
  gone: z.exactOptional(z.literal(true)),
});
export type SocketSample = z.infer<typeof socketSample>;

const socketEnd = z.object({ act: id, kind: z.literal('destroyed'), time, host: id, socket: socketRow });
export type SocketEnd = z.infer<typeof socketEnd>;

export const socketsRow = z.discriminatedUnion('kind', [socketSample, socketEnd]);

const tuple = z.object({ src: text, sport: port, dst: text, dport: port });
const flowShape = {
  id: count,
  state: text.optional(),
  expiresIn: seconds.optional(),
  original: tuple,
  reply: tuple,
  assured: z.boolean(),
  deletedBy: text.optional(),
};
const flow = z.object(flowShape);
const flowEventShape = {
  ...flowShape,
  time,
  event: z.enum(['NEW', 'UPDATE', 'DESTROY']),
  reason: z.enum(['idle-timeout', 'closed', 'never-established', 'deleted', 'unknown']).optional(),
};
const flowEvent = z.object(flowEventShape);

/** `tracker`: present where the table is not connection tracking's, and nothing but looks tells of it. */
const flowTable = z.object({
  ...look,
  kind: z.literal('table'),
  tracker: z.exactOptional(text),
  flows: z.array(flow),
});
export type FlowTable = z.infer<typeof flowTable>;

const flowChange = z.object({ ...flowEventShape, act: id, kind: z.literal('event'), host: id });
export type FlowChange = z.infer<typeof flowChange>;

const proxySession = z.object({
  client: text,
  server: text.optional(),
  proxy: text.optional(),
  expiresIn: seconds.optional(),
});
const proxySessions = z.object({ ...look, kind: z.literal('proxy-sessions'), sessions: z.array(proxySession) });
export type ProxySessions = z.infer<typeof proxySessions>;

const proxyLogEntry = z.object({
  client: text,
  server: text,
  proxy: text,
  totalSeconds: seconds,
  bytesToClient: seconds,
  termination: text,
});
const proxyLog = z.object({
  act: id,
  kind: z.literal('proxy-log'),
  time,
  host: id,
  line: text,
  session: z.exactOptional(proxyLogEntry),
});
export type ProxyLog = z.infer<typeof proxyLog>;

/** A box's own word that it has forgotten a flow, and by which of its timers; the kernel's word is the DESTROY event. */
const forgotten = z.object({
  act: id,
  kind: z.literal('forgot'),
  time,
  host: id,
  original: tuple,
  reply: tuple,
  why: z.enum(['idle', 'life']).describe('silence, or the end of the longest life'),
  side: z.exactOptional(z.enum(['client', 'server'])).describe('whose silence, where both are timed'),
});
export type Forgotten = z.infer<typeof forgotten>;

export const flowsRow = z.discriminatedUnion('kind', [flowTable, flowChange, proxySessions, proxyLog, forgotten]);

/** An event of the client library, or of the lab. */
export const eventsRow = z.object({
  act: id,
  host: id,
  time,
  event: text,
  connection: z.exactOptional(count),
  id: z.exactOptional(text),
  to: z.exactOptional(z.enum(['request', 'heartbeat'])),
  local: z.exactOptional(text),
  failure: z
    .exactOptional(z.enum(FAILURES))
    .describe('of an `error` or `failed`: what it was, by the library’s adapter; older runs have none'),
  code: z.exactOptional(text),
  message: z.exactOptional(text),
  latency: z.exactOptional(seconds),
  delaySeconds: z.exactOptional(seconds),
  ids: z.exactOptional(z.array(text)),
  text: z.exactOptional(text),
});
export type AppEvent = z.infer<typeof eventsRow>;

/** What the writers' types say, the schemas say too. */
export type Checked = [
  Exactly<SocketRow, z.infer<typeof socketRow>>,
  Exactly<Tuple, z.infer<typeof tuple>>,
  Exactly<Flow, z.infer<typeof flow>>,
  Exactly<FlowEvent, z.infer<typeof flowEvent>>,
  Exactly<ProxySession, z.infer<typeof proxySession>>,
  Exactly<ProxyLogEntry, z.infer<typeof proxyLogEntry>>,
];
