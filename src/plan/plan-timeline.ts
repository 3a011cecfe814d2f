// The timeline of an act: each step's words resolved to a verb with its parameters.
import { plainDuration, shortDuration } from '../base/duration.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import type { Known, KnownVerb } from './known.ts';
import { COUNT_LIMITS, DURATION_LIMITS, LONGEST_SECONDS } from './limits.ts';
import { oneOf } from './names.ts';
import { PART_WORDS, type Part, readPart } from './part.ts';
import type { PathPlan } from './paths.ts';
import { type ActionStep, type ClientPlan, type HostPlan, ownerOf, type Step, waitSeconds } from './plan.ts';
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

/** Resolves parameters and paces however deep they stand. */
function resolved(raw: unknown, path: Path, resolver: Resolver): unknown {
  const { value, path: here } = resolver.resolve(raw, path);
  if (Array.isArray(value)) return value.map((each, index) => resolved(each, [...here, index], resolver));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, resolved(each, [...here, key], resolver)]),
  );
}

/** The verb's word, and what stands under it. */
function wordsOf(
  raw: unknown,
  path: Path,
  resolver: Resolver,
): { verb: string; path: Path; params: Record<string, unknown> } {
  const { value, path: place } = resolver.resolve(raw, path);
  if (typeof value !== 'object' || value === null) return { verb: String(value), path: place, params: {} };
  const [verb, params] = Object.entries(value)[0] as [string, Record<string, unknown> | null];
  return { verb, path: [...place, verb], params: params ?? {} };
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
    found: quoted(String(value)),
  });
}

function ownParams(
  verb: string,
  definition: KnownVerb,
  params: Record<string, unknown>,
  path: Path,
  { resolver, positions }: Reading,
): Record<string, unknown> {
  const common: readonly string[] = [...REPEATED, ...(definition.onConnections ? COMMON : [])];
  const own = Object.fromEntries(Object.entries(params).filter(([key]) => !common.includes(key)));
  const parsed = definition.params.safeParse(resolved(own, path, resolver));
  if (parsed.success) return parsed.data as Record<string, unknown>;
  const [issue] = parsed.error.issues;
  const keys = [...Object.keys((definition.params as unknown as { shape?: object }).shape ?? {}), ...common];
  const stray = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  throw positions.error(
    [...path, ...(issue?.path ?? []), ...(stray === undefined ? [] : [stray])],
    `what "${verb}" takes (${keys.join(', ')})${stray === undefined ? `: ${issue?.message}` : ''}`,
    {
      ...(stray === undefined ? {} : { found: `the key ${quoted(stray)}`, hint: suggestion(stray, keys), key: true }),
    },
  );
}

/** Refuses what cannot be done here. @throws LabError BAD_FILE */
async function refuse(
  host: HostPlan,
  verb: string,
  definition: KnownVerb,
  params: Record<string, unknown>,
  path: Path,
  { act, hosts, paths, positions, known }: Reading,
): Promise<void> {
  const library = host.role === 'client' ? { library: (await known.clients.load(host.library)).default } : {};
  const refusal = definition.refuses?.({ act, host, hosts, paths, params, ...library });
  if (refusal === undefined) return;
  throw positions.error(path, `something ${ownerOf(host)} can do or suffer here`, {
    found: `"${verb}": ${refusal.what}`,
    hint: refusal.todo,
  });
}

async function planAction(
  host: HostPlan,
  raw: unknown,
  path: Path,
  watched: boolean,
  reading: Reading,
): Promise<ActionStep> {
  const { resolver, positions, known } = reading;
  const words = wordsOf(raw, path, resolver);
  const called = ownerOf(host);
  const verb = oneOf(
    `something ${called} can do or suffer`,
    words.verb,
    await verbsOf(host, known),
    positions,
    words.path,
  );
  const { default: definition } = await known.verbs.load(verb);
  const { params } = words;
  const at = (key: string): Path => [...words.path, key];
  if (host.role !== 'client' && definition.onConnections && params.of !== undefined)
    throw positions.error(at('of'), 'a part of a client’s connections', {
      found: `${called}, a ${host.role}`,
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
  const own = ownParams(verb, definition, params, words.path, reading);
  await refuse(host, verb, definition, own, words.path, reading);
  const awaited = definition.awaited(watched);
  const lastsSeconds = definition.lasts?.(own);
  return {
    kind: 'action',
    host: called,
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

/** A host by its name, or the first of a group. */
function hostCalled(key: string, path: Path, { hosts, positions }: Reading): HostPlan {
  const host = hosts.find(({ name }) => name === key) ?? hosts.find((each) => ownerOf(each) === key);
  if (host) return host;
  const names = [...new Set(hosts.map(ownerOf))];
  throw positions.error(path, `a host of this scenario (${names.join(', ')}), or ${LAB_STEPS.join(', or ')}`, {
    found: `the key ${quoted(key)}`,
    hint: suggestion(key, [...names, ...LAB_STEPS]),
    key: true,
  });
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
    else if (key === 'together') {
      if (!Array.isArray(raw)) throw positions.error(path, 'a list of steps that begin at the same moment');
      const together: ActionStep[] = [];
      for (const [place, each] of raw.entries()) {
        const [name, value] = Object.entries(each as object)[0] as [string, unknown];
        const here = [...path, place, name];
        together.push(await planStep(name, value, here, watched));
      }
      steps.push({ kind: 'together', steps: together });
    } else steps.push(await planStep(key, raw, path, watched));
  }
  async function planStep(key: string, raw: unknown, path: Path, watched: boolean): Promise<ActionStep> {
    if (Array.isArray(raw)) throw positions.error(path, 'a verb; only "together" has a list');
    const host = hostCalled(key, path, reading);
    return { ...(await planAction(host, raw, path, watched, reading)), host: key };
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
