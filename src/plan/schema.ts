import { z } from 'zod';
import { DURATION_PATTERN } from '../base/duration.ts';
import { HZ } from '../base/hz.ts';
import {
  COUNT_LIMITS,
  type CountLimit,
  DURATION_LIMITS,
  type DurationLimit,
  durationLimitText,
  FILE_LIMITS,
} from './limits.ts';

/** The shapes of the files people write. `schemas/*.json` are made from these (npm run schemas) and tested against them. */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,11}$/, 'a name: lower-case letters, digits and dashes, at most 12, starting with a letter');
/** A parameter's name, wherever a value may stand. */
export const referenceSchema = z
  .string()
  .regex(/^\$[a-zA-Z][a-zA-Z0-9]*$/, 'the name of a parameter, as in $idleTimeout');
const DURATION_WORDS = 'a duration with its unit, as in 350s, 8h or 200ms';
const durationText = z.string({ error: DURATION_WORDS }).regex(new RegExp(DURATION_PATTERN), DURATION_WORDS);

const parameterText = z.string({ error: 'a duration with its unit, as in 350s or 8h, or other text' });

/** A value, a parameter's name, or a value for each pace. */
const paced = <T extends z.ZodType>(value: T) =>
  z.union([value, referenceSchema, z.strictObject({ production: value, compressed: value })]);

/** JSON Schema cannot compare durations: their limits are words there, and are checked once their units are known. */
const durationOf = (limit: DurationLimit, about?: string) =>
  paced(durationText).describe(`${about === undefined ? '' : `${about}; `}${durationLimitText(limit)}`);
const whole = ({ least, most }: CountLimit) => z.number().int().min(least).max(most);
const count = (limit: CountLimit) => paced(whole(limit));

const atMost = (most: number, what: string) =>
  [(value: object) => Object.keys(value).length <= most, `at most ${most} ${what}`] as const;

const keepalive = z
  .strictObject({
    idle: durationOf(DURATION_LIMITS.keepIdle, 'TCP_KEEPIDLE; 0s turns SO_KEEPALIVE on with the kernel’s own values'),
    interval: durationOf(
      DURATION_LIMITS.keepInterval,
      'TCP_KEEPINTVL; libuv sets 1 s unless told otherwise',
    ).optional(),
    probes: count(COUNT_LIMITS.keepProbes).optional().describe('TCP_KEEPCNT; libuv sets 10 unless told otherwise'),
  })
  .or(z.literal('off'));

/** Settings of one side. Which apply depends on the host: a client library, or a broker. */
export const tuningSchema = z.strictObject({
  keepalive: keepalive.optional(),
  heartbeat: durationOf(
    DURATION_LIMITS.heartbeat,
    'an application-level PING on every connection, this often',
  ).optional(),
  commandTimeout: durationOf(
    DURATION_LIMITS.commandTimeout,
    'how long the client library waits for one reply',
  ).optional(),
  socketTimeout: durationOf(
    DURATION_LIMITS.socketTimeout,
    'how long the client library waits for any byte while a command is pending',
  ).optional(),
  userTimeout: durationOf(DURATION_LIMITS.userTimeout, 'TCP_USER_TIMEOUT').optional(),
  tcpRetries2: count(COUNT_LIMITS.tcpRetries2).optional().describe('net.ipv4.tcp_retries2 of the host'),
  tcpOrphanRetries: count(COUNT_LIMITS.tcpOrphanRetries)
    .optional()
    .describe('net.ipv4.tcp_orphan_retries of the host; 0 is read as 8'),
});
export type TuningFile = z.infer<typeof tuningSchema>;

const clientHost = z.strictObject({
  client: z.string().describe('a file of services/client/libraries, by name'),
  connections: whole(COUNT_LIMITS.connections).default(1),
  spread: durationOf(
    DURATION_LIMITS.spread,
    'its connections do what they are told one after another, evenly over this time, not all at once',
  ).optional(),
});
const serverHost = z.strictObject({
  server: z.string().describe('a file of src/stage/servers, by name'),
  count: whole(COUNT_LIMITS.brokers).default(1),
});
/** The older word for the same. */
const brokerHost = z.strictObject({
  broker: z.string().describe('another word for "server"'),
  count: whole(COUNT_LIMITS.brokers).default(1),
});
const timer = `${durationLimitText(DURATION_LIMITS.trackedIdleTimeout)} (a proxy’s: milliseconds too)`;
const middleboxHost = z.strictObject({
  middlebox: z.string().describe('a file of lab/middleboxes, by name, or a parameter that names one'),
  idleTimeout: z
    .union([paced(durationText), z.strictObject({ client: paced(durationText), server: paced(durationText) })])
    .optional()
    .describe(
      `instead of the profile’s default: one timer, or one towards the clients and one towards the servers; ${timer}`,
    ),
  life: paced(durationText)
    .optional()
    .describe(`the longest that a connection may live, idle or not, instead of the profile’s; ${timer}`),
});

/**
 * One entry of a timeline: one key. `quiet`, `observe` and `together` are words of the lab; any other key is a host. What stands
 * under it is planned with the verbs that there are (plan-timeline.ts), which say what they take.
 */
export const stepSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => Object.keys(value).length === 1, 'one step with one key, as in "- pool: request"');

/** One expectation of an act: a check by name. What it takes is checked with the check (make-plan.ts). */
export const expectationSchema = z.union([
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
  params: z
    .record(z.string(), paced(parameterText))
    .refine(...atMost(FILE_LIMITS.params, 'parameters'))
    .optional()
    .describe('parameters that differ in this act'),
  tuning: z
    .record(name, z.union([z.string(), tuningSchema]))
    .optional()
    .describe('per host: settings, or the name of a file in lab/tunings'),
  hz: z
    .literal([...HZ])
    .optional()
    .describe('timer interrupts a second that the kernel must have: only the virtual engine can choose'),
  expect: z
    .array(expectationSchema)
    .min(1)
    .max(FILE_LIMITS.expectations)
    .describe('names of checks (src/judge/checks), with their parameters'),
});

export const scenarioSchema = z.strictObject({
  title: z.string().min(1),
  params: z
    .record(
      z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/, 'a parameter name: letters and digits, starting with a letter'),
      paced(parameterText),
    )
    .refine(...atMost(FILE_LIMITS.params, 'parameters'))
    .default({}),
  ip: z.enum(['v4', 'v6', 'both']).default('v4').describe('both: every act is played once with each'),
  hosts: z
    .record(name, z.union([clientHost, serverHost, brokerHost, middleboxHost]))
    .refine(...atMost(FILE_LIMITS.hosts, 'hosts')),
  paths: z
    .array(z.array(name).min(2).max(FILE_LIMITS.hosts))
    .min(1)
    .max(FILE_LIMITS.hosts)
    .optional()
    .describe(
      'who stands between whom: each from a client through middleboxes to a server; left out: every client through all middleboxes, in the order written, to the servers',
    ),
  timeline: z.array(stepSchema).min(1).max(FILE_LIMITS.steps),
  acts: z
    .record(name, act)
    .refine((value) => Object.keys(value).length > 0, 'at least one act')
    .refine(...atMost(FILE_LIMITS.acts, 'acts')),
  next: z.string().optional().describe('the scenario to look at next'),
});
export type ScenarioFile = z.infer<typeof scenarioSchema>;

const tri = z.enum(['yes', 'no', 'unknown']);

export const LATE_PACKET = ['reset-sender', 'drop', 'rebalance', 'passes', 'closed', 'unknown'] as const;
export const AT_EXPIRY = ['forgets', 'reset-both', 'close-both', 'unknown'] as const;

/** How the lab plays a middlebox. What stands under the key is checked with the file that it names. */
export const playedBySchema = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]*$/, 'the name of a file of src/stage/boxes'),
    z.union([z.string(), z.record(z.string(), z.unknown())]),
  )
  .refine((value) => Object.keys(value).length === 1, 'one key, as in { haproxy: {} }')
  .describe('how the lab plays it: a file of src/stage/boxes, with its parameters');

export const middleboxSchema = z
  .strictObject({
    product: z.string(),
    layer: z.enum(['L4', 'L7']),
    idleTimeout: z.strictObject({
      default: durationText,
      client: durationText.optional().describe('its timer towards clients, where it has two'),
      server: durationText.optional().describe('its timer towards servers'),
      min: durationText.optional(),
      max: durationText.optional(),
      per: z.enum(['listener', 'box', 'connection']).default('box'),
    }),
    life: durationText.optional().describe('the longest that a connection may live, idle or not'),
    atExpiry: z.enum(AT_EXPIRY),
    latePacket: z.enum(LATE_PACKET),
    refreshedBy: z.strictObject({ tcpKeepalive: tri, applicationData: tri }),
    playedBy: playedBySchema,
    remedy: z
      .string()
      .optional()
      .describe('the line of this product’s own configuration that lengthens its patience; {seconds} is filled in'),
    confidence: z.enum(['documented', 'measured', 'secondary', 'unknown']),
    sources: z.array(z.strictObject({ url: z.string().optional(), read: z.string(), says: z.string() })).min(1),
  })
  .superRefine((profile, context) => {
    const mode = profile.playedBy.conntrack;
    const says = profile.atExpiry === 'reset-both' ? 'reset-both' : profile.latePacket;
    // What nobody documents is played as the profile's comment says.
    if (typeof mode === 'string' && says !== 'unknown' && mode !== says)
      context.addIssue({
        code: 'custom',
        path: ['playedBy', 'conntrack'],
        message: `the profile says ${says}, so the lab must play ${says}`,
      });
  });
export type MiddleboxFile = z.infer<typeof middleboxSchema>;
