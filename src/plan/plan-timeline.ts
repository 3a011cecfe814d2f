// The timeline of an act: each step's words resolved to a verb with its parameters.
import { plainDuration, shortDuration } from '../base/duration.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import type { Known, KnownVerb } from './known.ts';
import { COUNT_LIMITS, DURATION_LIMITS, LONGEST_SECONDS } from './limits.ts';
import { ownParams } from './own-params.ts';
import { PART_WORDS, type Part, readPart } from './part.ts';
import type { PathPlan } from './paths.ts';
import { type ActionStep, type ClientPlan, type HostPlan, kindOf, ownerOf, type Step, waitSeconds } from './plan.ts';
import type { Positions } from './read.ts';
import type { Resolver } from './resolver.ts';
import type { ScenarioFile } from './schema.ts';

/** Words of the lab, which no host can be called. */
export const LAB_STEPS = ['quiet', 'observe', 'together'] as const;

type Path = readonly PropertyKey[];

interface Reading {
  act: string;
  hosts: readonly HostPlan[];
  paths: readonly PathPlan[];
  resolver: Resolver;
  positions: Positions;
  known: Known;
}

/** The verbs that a host can do or suffer. */
export async function verbsOf(host: HostPlan, known: Known): Promise<string[]> {
  const own =
    host.role === 'client'
      ? ['connect', 'connect-and-request', 'request', 'close', ...(await known.clients.load(host.library)).default.can]
      : host.role === 'server'
        ? ((await known.servers.load(host.server)).default.can ?? [])
        : [];
  const verbs: string[] = [];
  for (const name of known.verbs.names()) {
    const { default: verb } = await known.verbs.load(name);
    if (verb.who.includes(host.role) && (!verb.offered || own.includes(name))) verbs.push(name);
  }
  return verbs;
}

const A_VERB = 'a verb, as in "- web: connect" or "- web: { request: { bytes: 1kB } }"';

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Words {
  verb: string;
  path: Path;
  /** Whether it stands as the key of a map. */
  isKey: boolean;
  params: Record<string, unknown>;
}

/** The verb's word, and what stands under it. */
function wordsOf(raw: unknown, path: Path, { resolver, positions }: Reading): Words {
  const { value, path: place } = resolver.resolve(raw, path);
  if (typeof value === 'string') return { verb: value, path: place, isKey: false, params: {} };
  if (!isMap(value)) throw positions.error(place, A_VERB);
  const [verb, ...others] = Object.keys(value);
  if (verb === undefined || others.length > 0)
    throw positions.error(place, `one verb, as in "- web: { request: { bytes: 1kB } }"`);
  const here = [...place, verb];
  const params = value[verb] ?? {};
  if (!isMap(params)) throw positions.error(here, `the parameters of "${verb}" as a map, or nothing`);
  return { verb, path: here, isKey: true, params };
}

/** What every verb that is done on connections understands. */
const COMMON = ['of', 'over'] as const;
/** What every verb understands. */
const REPEATED = ['times', 'every'] as const;

function partOf(raw: unknown, client: ClientPlan, path: Path, { resolver, positions }: Reading): Part | undefined {
  if (raw === undefined) return undefined;
  const { value, path: place } = resolver.resolve(raw, path);
  const part = readPart(value, client.connections);
  if (part !== undefined) return part;
  throw positions.error(place, `a part of ${client.connections} connections: ${PART_WORDS}`, {
    ...(typeof value === 'object' ? {} : { found: quoted(String(value)) }),
  });
}

/** Why a host has no such verb, where there is one. */
async function whoCan(verb: string, { hosts, known }: Reading): Promise<string | undefined> {
  if (!known.verbs.names().includes(verb)) return undefined;
  const able: string[] = [];
  for (const host of hosts) if ((await verbsOf(host, known)).includes(verb)) able.push(ownerOf(host));
  const { who, offered } = (await known.verbs.load(verb)).default;
  const roles = who.map((role) => `a ${role}`).join(' or ');
  return able.length > 0
    ? `here ${[...new Set(able)].join(', ')} can ${verb}`
    : `it is ${roles} that can ${verb}${offered ? ', where its library or its program offers it' : ''}`;
}

/** The verb that a word names. @throws LabError BAD_FILE where the host cannot do it */
async function verbCalled(host: HostPlan, { verb: word, path, isKey }: Words, reading: Reading): Promise<KnownVerb> {
  const able = await verbsOf(host, reading.known);
  if (able.includes(word)) return (await reading.known.verbs.load(word)).default;
  throw reading.positions.error(path, `something ${ownerOf(host)} can do or suffer: one of ${able.join(', ')}`, {
    found: quoted(word),
    hint: (await whoCan(word, reading)) ?? suggestion(word, able),
    key: isKey,
  });
}

/** Refuses what cannot be done here. @throws LabError BAD_FILE */
async function refuse(
  host: HostPlan,
  { verb, path, isKey }: Words,
  definition: KnownVerb,
  params: Record<string, unknown>,
  { act, hosts, paths, positions, known }: Reading,
): Promise<void> {
  const library = host.role === 'client' ? { library: (await known.clients.load(host.library)).default } : {};
  const box = host.role === 'middlebox' ? { box: (await known.boxes.load(kindOf(host))).default } : {};
  const refusal = definition.refuses?.({ act, host, hosts, paths, params, ...library, ...box });
  if (refusal === undefined) return;
  throw positions.error(path, `something ${ownerOf(host)} can do or suffer here`, {
    found: `"${verb}": ${refusal.what}`,
    hint: refusal.todo,
    key: isKey,
  });
}

async function planAction(
  host: HostPlan,
  raw: unknown,
  path: Path,
  watched: boolean,
  reading: Reading,
): Promise<ActionStep> {
  const { resolver, positions } = reading;
  const words = wordsOf(raw, path, reading);
  const { verb, params } = words;
  const definition = await verbCalled(host, words, reading);
  const at = (key: string): Path => [...words.path, key];
  if (host.role !== 'client' && definition.onConnections && params.of !== undefined)
    throw positions.error(at('of'), 'a part of a client’s connections', {
      found: `${ownerOf(host)}, a ${host.role}`,
      key: true,
    });
  const part =
    host.role === 'client' && definition.onConnections ? partOf(params.of, host, at('of'), reading) : undefined;
  const written =
    params.over === undefined ? undefined : resolver.seconds(params.over, at('over'), DURATION_LIMITS.spread);
  const spread = host.role === 'client' && definition.talks === 'sends' ? host.spreadSeconds : undefined;
  const overSeconds = definition.onConnections ? (written ?? spread) : undefined;
  const times = params.times === undefined ? undefined : resolver.number(params.times, at('times'), COUNT_LIMITS.times);
  const every =
    params.every === undefined ? undefined : resolver.seconds(params.every, at('every'), DURATION_LIMITS.wait);
  if (every !== undefined && times === undefined)
    throw positions.error(at('every'), '"times" beside "every": how often it is done', { key: true });
  const others: readonly string[] = [...REPEATED, ...(definition.onConnections ? COMMON : [])];
  const own = ownParams(
    Object.fromEntries(Object.entries(params).filter(([key]) => !others.includes(key))),
    words.path,
    { schema: definition.params, takes: `what "${verb}" takes`, others },
    reading,
  );
  await refuse(host, words, definition, own, reading);
  const awaited = definition.awaited(watched);
  const lastsSeconds = definition.lasts?.(own);
  return {
    kind: 'action',
    host: ownerOf(host),
    action: verb,
    params: own,
    ...(part === undefined ? {} : { part }),
    ...(overSeconds === undefined ? {} : { overSeconds }),
    ...(times === undefined ? {} : { times }),
    ...(every === undefined ? {} : { everySeconds: every }),
    ...(definition.talks === undefined ? {} : { talks: definition.talks }),
    takesAway: definition.takesAway,
    awaited,
    ...(lastsSeconds === undefined ? {} : { lastsSeconds }),
  };
}

/** Steps that the lab itself does, and that none of several at once can be. */
const WAITS: readonly string[] = ['quiet', 'observe'];

/** A host by its name, or the first of a group. @param beside whether the step is one of several at once */
function hostCalled(key: string, path: Path, { hosts, positions }: Reading, beside: boolean): HostPlan {
  const host = hosts.find(({ name }) => name === key) ?? hosts.find((each) => ownerOf(each) === key);
  if (host) return host;
  const names = [...new Set(hosts.map(ownerOf))];
  const words = beside ? names : [...names, ...LAB_STEPS];
  throw positions.error(
    path,
    `a host of this scenario (${names.join(', ')})${beside ? '' : `, or ${LAB_STEPS.join(', or ')}`}`,
    {
      found: `the key ${quoted(key)}`,
      hint:
        beside && [...WAITS, 'together'].includes(key)
          ? `"${key}" is a step of its own, after "together"`
          : suggestion(key, words),
      key: true,
    },
  );
}

interface Place {
  path: Path;
  /** Whether the next step is an `observe`. */
  watched: boolean;
  /** Whether it is one of several at once. */
  beside?: boolean;
}

async function planStep(key: string, raw: unknown, { path, watched, beside = false }: Place, reading: Reading) {
  const host = hostCalled(key, path, reading, beside);
  return { ...(await planAction(host, raw, path, watched, reading)), host: key };
}

const A_LIST =
  'a list of steps that begin at the same moment, as in "- together: [{ web: connect }, { batch: connect }]"';

async function planTogether(raw: unknown, { path, watched }: Place, reading: Reading): Promise<ActionStep[]> {
  const { positions } = reading;
  if (!Array.isArray(raw) || raw.length === 0)
    throw positions.error(path, A_LIST, Array.isArray(raw) ? { found: 'an empty list' } : {});
  const steps: ActionStep[] = [];
  for (const [place, each] of raw.entries()) {
    const here = [...path, place];
    const [key, ...others] = isMap(each) ? Object.keys(each) : [];
    if (key === undefined || others.length > 0)
      throw positions.error(here, 'one step with one key, as in "- pool: request"');
    steps.push(await planStep(key, each[key], { path: [...here, key], watched, beside: true }, reading));
  }
  return steps;
}

/** Reads the timeline of a scenario. @throws LabError BAD_FILE with line and column */
export async function planTimeline(file: ScenarioFile, reading: Reading): Promise<Step[]> {
  const { resolver, positions } = reading;
  const steps: Step[] = [];
  for (const [index, entry] of file.timeline.entries()) {
    const [key, raw] = Object.entries(entry)[0] as [string, unknown];
    const path: Path = ['timeline', index, key];
    const watched = Object.keys(file.timeline[index + 1] ?? {})[0] === 'observe';
    if (key === 'quiet' || key === 'observe')
      steps.push({ kind: key, seconds: resolver.seconds(raw, path, DURATION_LIMITS.wait) });
    else if (key === 'together')
      steps.push({ kind: 'together', steps: await planTogether(raw, { path, watched }, reading) });
    else steps.push(await planStep(key, raw, { path, watched }, reading));
  }
  const waits = waitSeconds({ hosts: [...reading.hosts], timeline: steps });
  if (waits > LONGEST_SECONDS)
    throw positions.error(
      ['timeline'],
      `steps that last at most ${shortDuration(LONGEST_SECONDS)} together, ${DURATION_LIMITS.wait.because}`,
      { found: plainDuration(waits), key: true },
    );
  return steps;
}
