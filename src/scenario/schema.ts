import { z } from 'zod';
import { DURATION_PATTERN } from './duration.ts';
import { HZ } from './hz.ts';

/** The shapes of the files people write. `schemas/*.json` are made from these (npm run schemas) and tested against them. */

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,11}$/,
    'a host name: lower-case letters, digits and dashes, at most 12, starting with a letter',
  );
const reference = z.string().regex(/^\$[a-zA-Z][a-zA-Z0-9]*$/, 'the name of a parameter, as in $idleTimeout');
const durationText = z.string().regex(new RegExp(DURATION_PATTERN), 'a duration, as in 350s, 8h or 200ms');

/** A value, a parameter's name, or a value for each pace. */
const paced = <T extends z.ZodType>(value: T) =>
  z.union([value, reference, z.strictObject({ production: value, compressed: value })]);

export const duration = paced(durationText).describe('a duration, as in 350s, 8h or 200ms');
const count = paced(z.number().int().min(0));

const keepalive = z
  .strictObject({
    idle: duration.describe('TCP_KEEPIDLE; 0s turns SO_KEEPALIVE on with the kernel’s own values'),
    interval: duration.optional().describe('TCP_KEEPINTVL; libuv sets 1 s unless told otherwise'),
    probes: count.optional().describe('TCP_KEEPCNT; libuv sets 10 unless told otherwise'),
  })
  .or(z.literal('off'));

/** Settings of one side. Which apply depends on the host: a client library, or a broker. */
export const tuningSchema = z.strictObject({
  keepalive: keepalive.optional(),
  heartbeat: duration.optional().describe('an application-level PING on every connection, this often'),
  commandTimeout: duration.optional().describe('how long the client library waits for one reply'),
  socketTimeout: duration
    .optional()
    .describe('how long the client library waits for any byte while a command is pending'),
  tcpRetries2: count.optional().describe('net.ipv4.tcp_retries2 of the host'),
  tcpOrphanRetries: count.optional().describe('net.ipv4.tcp_orphan_retries of the host; 0 is read as 8'),
});
export type TuningFile = z.infer<typeof tuningSchema>;

const clientHost = z.strictObject({
  client: z.string().describe('a file of services/client, by name'),
  connections: z.number().int().min(1).max(10_000).default(1),
  spread: duration
    .optional()
    .describe('its connections do what they are told one after another, evenly over this time, not all at once'),
});
const brokerHost = z.strictObject({
  broker: z.string().describe('a file of services/broker, by name'),
  count: z.number().int().min(1).max(16).default(1),
});
const middleboxHost = z.strictObject({
  middlebox: z.string().describe('a file of lab/middleboxes, by name, or a parameter that names one'),
  idleTimeout: duration.optional().describe('instead of the profile’s default'),
});

/** One entry of a timeline: one key. `quiet` and `observe` are words of the lab; any other key is a host. */
const step = z
  .record(z.string(), z.union([z.string(), z.strictObject({ production: z.string(), compressed: z.string() })]))
  .refine((value) => Object.keys(value).length === 1, 'one step has one key, as in "- pool: request"');

const expectation = z.union([
  z.string(),
  z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .refine(
      (value) => Object.keys(value).length === 1,
      'one expectation has one key, as in "- zombies: { at: mq, atLeast: 1 }"',
    ),
]);

const act = z.strictObject({
  title: z.string().optional().describe('what this act shows, in one line'),
  params: z.record(z.string(), paced(z.string())).optional().describe('parameters that differ in this act'),
  tuning: z
    .record(name, z.union([z.string(), tuningSchema]))
    .optional()
    .describe('per host: settings, or the name of a file in lab/tunings'),
  hz: z
    .literal([...HZ])
    .optional()
    .describe('timer interrupts a second that the kernel must have: only the virtual engine can choose'),
  expect: z.array(expectation).min(1).describe('names of checks (src/judge/checks), with their parameters'),
});

export const scenarioSchema = z.strictObject({
  title: z.string().min(1),
  params: z.record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/), paced(z.string())).default({}),
  hosts: z.record(name, z.union([clientHost, brokerHost, middleboxHost])),
  timeline: z.array(step).min(1),
  acts: z.record(name, act).refine((value) => Object.keys(value).length > 0, 'at least one act'),
  next: z.string().optional().describe('the scenario to look at next'),
});
export type ScenarioFile = z.infer<typeof scenarioSchema>;

const tri = z.enum(['yes', 'no', 'unknown']);

export const LATE_PACKET = ['reset-sender', 'drop', 'rebalance', 'passes', 'closed', 'unknown'] as const;
export const AT_EXPIRY = ['forgets', 'reset-both', 'close-both', 'unknown'] as const;

export const middleboxSchema = z
  .strictObject({
    product: z.string(),
    layer: z.enum(['L4', 'L7']),
    idleTimeout: z.strictObject({
      default: durationText,
      min: durationText.optional(),
      max: durationText.optional(),
      per: z.enum(['listener', 'box', 'connection']).default('box'),
    }),
    atExpiry: z.enum(AT_EXPIRY),
    latePacket: z.enum(LATE_PACKET),
    refreshedBy: z.strictObject({ tcpKeepalive: tri, applicationData: tri }),
    playedBy: z
      .union([
        z.strictObject({ conntrack: z.enum(['rebalance', 'reset-sender', 'drop', 'reset-both']) }),
        z.strictObject({ haproxy: z.strictObject({}) }),
        z.strictObject({ nginx: z.strictObject({}) }),
        z.strictObject({ router: z.enum(['stateful']) }),
        z.strictObject({ ipvs: z.strictObject({ sloppyTcp: z.boolean() }) }),
      ])
      .describe('how the lab plays it: a file of services/balancer, and its mode'),
    remedy: z
      .string()
      .optional()
      .describe('the line of this product’s own configuration that lengthens its patience; {seconds} is filled in'),
    confidence: z.enum(['documented', 'measured', 'secondary', 'unknown']),
    sources: z.array(z.strictObject({ url: z.string().optional(), read: z.string(), says: z.string() })).min(1),
  })
  .superRefine((profile, context) => {
    const mode = 'conntrack' in profile.playedBy ? profile.playedBy.conntrack : undefined;
    const says = profile.atExpiry === 'reset-both' ? 'reset-both' : profile.latePacket;
    // What nobody documents is played as the profile's comment says.
    if (mode !== undefined && says !== 'unknown' && mode !== says)
      context.addIssue({
        code: 'custom',
        path: ['playedBy', 'conntrack'],
        message: `the profile says ${says}, so the lab must play ${says}`,
      });
  });
export type MiddleboxFile = z.infer<typeof middleboxSchema>;
