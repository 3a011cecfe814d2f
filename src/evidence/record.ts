// run.json: what a run was asked for and what was played when; everything about it that is not evidence. It is written by the
// lab and read from folders that may come from anybody.
import { z } from 'zod';
import { spentSeconds, epochSeconds as time, wholeWithin, within } from '../base/bounded.ts';
import { HZ, MOST_HZ } from '../base/hz.ts';
import { FILE_NAME, ID } from '../base/ids.ts';
import { PACES } from '../base/pace.ts';
import { COUNT_LIMITS, DURATION_LIMITS, LONGEST_SECONDS } from '../plan/limits.ts';
import { type ActPlan, type HostPlan, type Plan, type Step, TAKES_AWAY, type Tuning } from '../plan/plan.ts';
import type { Exactly } from './exactly.ts';

const id = z.string().regex(ID, 'expected a name of lower-case letters, digits and dashes');
/** The name of a file in one of our catalogues, without its extension. */
const entry = z.string().regex(FILE_NAME, 'expected a name of letters, digits, dots and dashes');
const text = z.string();
const wait = within(DURATION_LIMITS.wait);
const count = z.int().min(0);

const tuning = z.strictObject({
  keepalive: z.exactOptional(
    z.union([
      z.strictObject({
        idleSeconds: within(DURATION_LIMITS.keepIdle),
        intervalSeconds: z.exactOptional(within(DURATION_LIMITS.keepInterval)),
        probes: z.exactOptional(wholeWithin(COUNT_LIMITS.keepProbes)),
      }),
      z.literal('off'),
    ]),
  ),
  heartbeatSeconds: z.exactOptional(within(DURATION_LIMITS.heartbeat)),
  commandTimeoutSeconds: z.exactOptional(within(DURATION_LIMITS.commandTimeout)),
  socketTimeoutSeconds: z.exactOptional(within(DURATION_LIMITS.socketTimeout)),
  userTimeoutSeconds: z.exactOptional(within(DURATION_LIMITS.userTimeout)),
  tcpRetries2: z.exactOptional(wholeWithin(COUNT_LIMITS.tcpRetries2)),
  tcpOrphanRetries: z.exactOptional(wholeWithin(COUNT_LIMITS.tcpOrphanRetries)),
});

const boxTimer = within(DURATION_LIMITS.proxyIdleTimeout);
const timers = z.strictObject({
  idleSeconds: boxTimer,
  sides: z.exactOptional(z.strictObject({ clientSeconds: boxTimer, serverSeconds: boxTimer })),
  lifeSeconds: z.exactOptional(boxTimer),
});

const host = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('client'),
    name: id,
    library: entry,
    connections: wholeWithin(COUNT_LIMITS.connections),
    spreadSeconds: z.exactOptional(within(DURATION_LIMITS.spread)),
  }),
  z.strictObject({ role: z.literal('server'), name: id, group: id, server: entry }),
  z.strictObject({
    role: z.literal('middlebox'),
    name: id,
    profile: entry,
    product: text,
    layer: z.enum(['L4', 'L7']),
    timers,
    productionTimers: timers,
    refreshedBy: z.enum(['any-packet', 'data']),
    playedBy: z.record(entry, z.unknown()),
    entrance: z.boolean(),
    hidesClients: z.boolean(),
    remedy: z.exactOptional(text),
  }),
]);

const pathPlan = z.strictObject({ client: id, boxes: z.array(id), servers: z.array(id).min(1) });

const takesAway = z.enum(TAKES_AWAY);
const talks = z.enum(['sends', 'ends']);
const actionStep = z.strictObject({
  kind: z.literal('action'),
  host: id,
  action: entry,
  params: z.record(z.string(), z.unknown()),
  part: z.exactOptional(z.strictObject({ from: count, count })),
  overSeconds: z.exactOptional(wait),
  times: z.exactOptional(wholeWithin(COUNT_LIMITS.times)),
  everySeconds: z.exactOptional(wait),
  talks: z.exactOptional(talks),
  takesAway,
  awaited: z.boolean(),
  lastsSeconds: z.exactOptional(wait),
});
const step = z.discriminatedUnion('kind', [
  actionStep,
  z.strictObject({ kind: z.literal('together'), steps: z.array(actionStep).min(1) }),
  z.strictObject({ kind: z.enum(['quiet', 'observe']), seconds: wait }),
]);

const actPlan = z
  .strictObject({
    name: id,
    title: text,
    ip: z.enum(['v4', 'v6']),
    hosts: z.array(host).superRefine((hosts, context) => {
      for (const role of ['client', 'server'])
        if (!hosts.some((each) => each.role === role))
          context.addIssue({ code: 'custom', message: `expected a ${role}` });
      if (new Set(hosts.map(({ name }) => name)).size < hosts.length)
        context.addIssue({ code: 'custom', message: 'expected hosts of different names' });
    }),
    paths: z.array(pathPlan).min(1),
    tuning: z.record(id, tuning),
    productionTuning: z.record(id, tuning),
    productionQuietSeconds: within({ least: 0, most: LONGEST_SECONDS }),
    hz: z.exactOptional(z.literal([...HZ])),
    timeline: z.array(step),
    expect: z.array(z.strictObject({ check: entry, params: z.record(z.string(), z.unknown()) })),
  })
  .superRefine(({ hosts, paths }, context) => {
    const roles = new Map(hosts.map(({ name, role }) => [name, role]));
    for (const [index, { client, boxes, servers }] of paths.entries()) {
      const right =
        roles.get(client) === 'client' &&
        boxes.every((box) => roles.get(box) === 'middlebox') &&
        servers.every((server) => roles.get(server) === 'server');
      if (!right)
        context.addIssue({
          code: 'custom',
          path: ['paths', index],
          message: 'expected a client, middleboxes and servers of this act',
        });
    }
  });

const plan = z.strictObject({
  schemaVersion: z.literal(2),
  scenario: text,
  title: text,
  story: text,
  file: text,
  pace: z.enum(PACES),
  acts: z.array(actPlan).min(1),
  next: text.nullable(),
});

/** What was done in a step: by whom, and what it took away. */
const playedAction = z.strictObject({ host: id, action: entry, takesAway, talks: z.exactOptional(talks) });

/** A step as it was played: its words, and when it began and ended (epoch seconds on the one clock). */
const stepRecord = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['action', 'together']),
    text,
    actions: z.array(playedAction).min(1),
    from: time,
    to: time,
  }),
  z.strictObject({ kind: z.enum(['quiet', 'observe']), text, seconds: wait, from: time, to: time }),
]);
export type StepRecord = z.infer<typeof stepRecord>;

/**
 * What collectors could not keep up with, and what has been lost since.
 * - `frames`: in words, by host: with any, nothing can be concluded from packets
 * - `flowEvents`: whether connection tracking told of a gap in its events; its tables, looked at later, have none
 * - `cut`: in words, files of which a part is missing; found when they are read
 */
const lostEvidence = z.strictObject({
  frames: z.array(text),
  flowEvents: z.boolean(),
  cut: z.exactOptional(z.array(text)),
});
export type LostEvidence = z.infer<typeof lostEvidence>;

/** When the lab looked at every table, and until when that took (epoch seconds): work of the lab's, not of the timeline's. */
const lookRecord = z.strictObject({ from: time, to: time });
export type LookRecord = z.infer<typeof lookRecord>;

const actRecord = z.strictObject({
  name: id,
  from: time,
  to: time,
  upSeconds: spentSeconds.describe('time the lab took to come up, outside the timeline'),
  downSeconds: spentSeconds.describe('time the lab took to go'),
  hz: z.exactOptional(z.int().min(1).max(MOST_HZ)).describe('timer interrupts a second of the kernel that played it'),
  steps: z.array(stepRecord),
  looks: z
    .exactOptional(z.array(lookRecord))
    .describe('one after another; runs recorded before looks were timed have none'),
  addresses: z.record(id, z.array(text)).describe('of hosts, so that evidence can be read without the lab'),
  interfaces: z
    .record(id, z.record(z.string(), text))
    .describe('names by host and index, as captures on "any" number them'),
  lostEvidence,
  targets: z
    .record(id, z.strictObject({ address: text, port: z.int().min(0).max(0xffff) }))
    .describe('where each client’s connections go'),
});
export type ActRecord = z.infer<typeof actRecord>;

/** How much evidence there was when the run ended: rows of each file, and packets. */
const counts = z.strictObject({ sockets: count, flows: count, events: count, frames: count });
export type Counts = z.infer<typeof counts>;

export const runRecord = z
  .strictObject({
    schemaVersion: z.literal(2),
    engine: text,
    startedAt: text,
    wallSeconds: spentSeconds,
    memoryMb: z.number().describe('peak resident memory of the lab’s own process'),
    versions: z.record(z.string(), text),
    plan,
    acts: z.array(actRecord),
    counts: z.exactOptional(counts).describe('runs recorded before they were counted have none, and answer nothing'),
  })
  .superRefine(({ plan: { acts: planned }, acts: played }, context) => {
    for (const [index, { name }] of played.entries())
      if (!planned.some((act) => act.name === name))
        context.addIssue({ code: 'custom', path: ['acts', index, 'name'], message: `there is no plan for "${name}"` });
    for (const [list, at] of [
      [planned, ['plan', 'acts']],
      [played, ['acts']],
    ] as const)
      if (new Set(list.map(({ name }) => name)).size < list.length)
        context.addIssue({ code: 'custom', path: [...at], message: 'expected acts of different names' });
  });
export type RunRecord = z.infer<typeof runRecord>;

/** What the planner writes, the schema accepts. */
export type Checked = [
  Exactly<Tuning, z.infer<typeof tuning>>,
  Exactly<Step, z.infer<typeof step>>,
  Exactly<HostPlan, z.infer<typeof host>>,
  Exactly<ActPlan, z.infer<typeof actPlan>>,
  Exactly<Plan, z.infer<typeof plan>>,
];
