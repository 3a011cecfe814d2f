// The published JSON Schemas. Where a file names verbs, boxes, checks, libraries or servers, the schema has those that there
// are, with their parameters: an editor completes them.
import { z } from 'zod';
import { KNOWN } from '../judge/known.ts';
import { resultSchema } from '../judge/result.ts';
import { MIDDLEBOXES } from '../plan/catalogue.ts';
import type { Things } from '../plan/known.ts';
import { FILE_LIMITS } from '../plan/limits.ts';
import { PART_WORDS } from '../plan/part.ts';
import {
  expectationSchema,
  middleboxSchema,
  playedBySchema,
  referenceSchema,
  scenarioSchema,
  stepSchema,
  tuningSchema,
} from '../plan/schema.ts';
import { sweepSchema } from '../sweep/read-sweep.ts';
import { sweepResultSchema } from '../sweep/result.ts';

const PUBLISHED = {
  'scenario.schema.json': { schema: scenarioSchema, title: 'idlelab scenario', io: 'input' },
  'middlebox.schema.json': { schema: middleboxSchema, title: 'idlelab middlebox profile', io: 'input' },
  'tuning.schema.json': { schema: tuningSchema, title: 'idlelab tuning', io: 'input' },
  'sweep.schema.json': { schema: sweepSchema, title: 'idlelab sweep', io: 'input' },
  'result.schema.json': { schema: resultSchema, title: 'idlelab result', io: 'output' },
  'sweep-result.schema.json': { schema: sweepResultSchema, title: 'idlelab sweep result', io: 'output' },
} as const;

type Json = Record<string, unknown>;

const jsonOf = (schema: z.ZodType): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }) as Json;
  return json;
};

/** All things of a kind, by name. */
async function each<T>(things: Things<T>): Promise<[name: string, thing: T][]> {
  return Promise.all(things.names().map(async (name) => [name, (await things.load(name)).default] as [string, T]));
}

const reference = jsonOf(referenceSchema);
const paced = (value: Json): Json => ({
  type: 'object',
  properties: { production: value, compressed: value },
  required: ['production', 'compressed'],
  additionalProperties: false,
});
/** Any value of a file may be a parameter's name, or one for each pace. */
const orNamed = (value: Json): Json => {
  const { description, ...rest } = value;
  return { ...(description === undefined ? {} : { description }), anyOf: [rest, reference, paced(rest)] };
};

/** An object's parameters, each as itself or as a parameter of the scenario. */
function paramsOf(params: z.ZodType, more: Json = {}): Json {
  const {
    properties = {},
    required,
    ...rest
  } = jsonOf(params) as { properties?: Record<string, Json>; required?: string[] };
  const own = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, orNamed(value)]));
  return {
    ...rest,
    properties: { ...own, ...more },
    ...(required === undefined || required.length === 0 ? {} : { required }),
  };
}

const REPEATED: Json = {
  times: orNamed({ description: 'how often it is done', type: 'integer', minimum: 1 }),
  every: orNamed({ description: 'from one beginning to the next, beside "times"', type: 'string' }),
};
const ON_CONNECTIONS: Json = {
  of: orNamed({
    description: `on some of a client’s connections: ${PART_WORDS}`,
    anyOf: [{ type: 'string' }, { type: 'number' }],
  }),
  over: orNamed({ description: 'one connection after another, evenly over this time', type: 'string' }),
};

/** One key of several, and what stands under it. */
const oneKey = (properties: Record<string, Json>): Json => ({
  type: 'object',
  properties,
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
});

/** A word of a list, which an editor shows with what each means. */
const words = (all: readonly [name: string, about: string][]): Json => ({
  anyOf: all.map(([name, description]) => ({ const: name, description })),
});

async function stepJson(): Promise<Json> {
  const verbs = await each(KNOWN.verbs);
  const verb: Json = {
    anyOf: [
      words(verbs.map(([name, { about }]) => [name, about])),
      reference,
      paced({ type: 'string' }),
      oneKey(
        Object.fromEntries(
          verbs.map(([name, { about, params, onConnections }]) => [
            name,
            {
              description: about,
              anyOf: [
                { type: 'null' },
                paramsOf(params, onConnections ? { ...REPEATED, ...ON_CONNECTIONS } : REPEATED),
              ],
            },
          ]),
        ),
      ),
    ],
  };
  const seconds = orNamed({ type: 'string' });
  return {
    type: 'object',
    description: 'quiet, observe, together, or a host and what it does or suffers',
    properties: {
      quiet: { ...seconds, description: 'nobody does anything for this long' },
      observe: {
        ...seconds,
        description: 'the lab watches for this long; what was asked just before need not be answered',
      },
      together: {
        description: 'steps that begin at the same moment',
        type: 'array',
        minItems: 1,
        maxItems: FILE_LIMITS.steps,
        items: { type: 'object', additionalProperties: { $ref: '#/$defs/verb' }, minProperties: 1, maxProperties: 1 },
      },
    },
    additionalProperties: { $ref: '#/$defs/verb' },
    minProperties: 1,
    maxProperties: 1,
    $defs: { verb },
  };
}

async function expectationJson(): Promise<Json> {
  const checks = await each(KNOWN.checks);
  const about = (check: unknown): string => (check as { about: string }).about;
  return {
    anyOf: [
      words(checks.map(([name, check]) => [name, about(check)])),
      oneKey(
        Object.fromEntries(
          checks.map(([name, check]) => [name, { ...paramsOf(check.params), description: about(check) }]),
        ),
      ),
    ],
  };
}

async function playedByJson(): Promise<Json> {
  const boxes = await each(KNOWN.boxes);
  return {
    ...oneKey(Object.fromEntries(boxes.map(([name, { params }]) => [name, jsonOf(params)]))),
    description: playedBySchema.description,
  };
}

/** Names that there are, where a schema has "any text". */
const enumerated = (names: readonly string[], { named }: { named: boolean }): Json =>
  named ? { anyOf: [{ enum: names }, reference, paced({ enum: names })] } : { enum: names };

function nameHosts(json: Json): void {
  const branches = ((json.properties as Json).hosts as { additionalProperties: { anyOf: Json[] } }).additionalProperties
    .anyOf;
  const kinds: Record<string, Json> = {
    client: enumerated(KNOWN.clients.names(), { named: false }),
    server: enumerated(KNOWN.servers.names(), { named: false }),
    broker: enumerated(KNOWN.servers.names(), { named: false }),
    middlebox: enumerated(MIDDLEBOXES.names(), { named: true }),
  };
  for (const { properties } of branches as { properties: Record<string, Json> }[])
    for (const [key, names] of Object.entries(kinds)) {
      const value = properties[key];
      if (value === undefined) continue;
      delete value.type;
      Object.assign(value, names);
    }
}

/** The published JSON Schemas, by file name; made from the very schemas that read the files. */
export async function publishedSchemas(): Promise<Record<string, string>> {
  const { $defs, ...step } = await stepJson();
  const precise = new Map<unknown, Json>([
    [stepSchema, step],
    [expectationSchema, await expectationJson()],
    [playedBySchema, await playedByJson()],
  ]);
  return Object.fromEntries(
    Object.entries(PUBLISHED).map(([file, { schema, title, io }]) => {
      const json = z.toJSONSchema(schema, {
        io,
        target: 'draft-2020-12',
        override({ zodSchema, jsonSchema }) {
          const better = precise.get(zodSchema);
          if (better === undefined) return;
          for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
          Object.assign(jsonSchema, better);
        },
      }) as Json;
      if (schema === scenarioSchema) {
        nameHosts(json);
        json.$defs = { ...(json.$defs as Json), ...($defs as Json) };
      }
      return [file, `${JSON.stringify({ title, ...json }, null, 2)}\n`];
    }),
  );
}
