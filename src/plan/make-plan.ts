import { plainDuration, shortDuration } from '../base/duration.ts';
import type { Pace } from '../base/pace.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { MIDDLEBOXES, TUNINGS } from './catalogue.ts';
import { nameOfFile } from './file-name.ts';
import type { Known, KnownServer } from './known.ts';
import { DURATION_LIMITS, LONGEST_SECONDS } from './limits.ts';
import type { ActPlan, BrokerPlan, Expectation, HostPlan, MiddleboxPlan, Plan, Step, Tuning } from './plan.ts';
import { idleTimeoutLimit, type Profile, readProfile } from './profile.ts';
import { type Positions, readYaml } from './read.ts';
import { RESERVED_ACTS, RESERVED_HOSTS, sharedFileName } from './reserved-names.ts';
import { Resolver, readTuning } from './resolver.ts';
import { type ScenarioFile, scenarioSchema } from './schema.ts';

function oneOf(
  kind: string,
  typed: string,
  names: readonly string[],
  positions: Positions,
  path: readonly PropertyKey[],
): string {
  if (names.includes(typed)) return typed;
  throw positions.error(path, `${kind}: one of ${names.join(', ')}`, {
    found: quoted(typed),
    hint: suggestion(typed, names),
  });
}

/** Refuses a name that something else has already. */
function notReserved(
  what: string,
  reserved: ReadonlyMap<string, string>,
  name: string,
  positions: Positions,
  path: readonly PropertyKey[],
): void {
  const reason = reserved.get(name);
  if (reason !== undefined)
    throw positions.error(path, `another name for ${what}`, {
      found: `"${name}", which is taken: ${reason}`,
      hint: `call it something else than ${[...reserved.keys()].join(', ')}`,
      key: true,
    });
}

/** Reads profiles by name, each once. */
type Profiles = (name: string) => Profile;

function profilesOf(): Profiles {
  const read = new Map<string, Profile>();
  return (name) => {
    const profile = read.get(name) ?? readProfile(MIDDLEBOXES.path(name));
    read.set(name, profile);
    return profile;
  };
}

function planHosts(
  file: ScenarioFile,
  resolver: Resolver,
  positions: Positions,
  profiles: Profiles,
  known: Known,
): HostPlan[] {
  const hosts: HostPlan[] = [];
  for (const [name, host] of Object.entries(file.hosts)) {
    notReserved('a host', RESERVED_HOSTS, name, positions, ['hosts', name]);
    if ('client' in host) {
      const library = oneOf('a client library', host.client, known.clients.names(), positions, [
        'hosts',
        name,
        'client',
      ]);
      hosts.push({
        role: 'client',
        name,
        library,
        connections: host.connections,
        ...(host.spread === undefined
          ? {}
          : { spreadSeconds: resolver.seconds(host.spread, ['hosts', name, 'spread'], DURATION_LIMITS.spread) }),
      });
    } else if ('broker' in host) {
      const broker = oneOf('a broker', host.broker, known.servers.names(), positions, ['hosts', name, 'broker']);
      for (let index = 1; index <= host.count; index++)
        hosts.push({ role: 'broker', name: host.count === 1 ? name : `${name}-${index}`, group: name, broker });
    } else {
      const named = resolver.resolve(host.middlebox, ['hosts', name, 'middlebox']);
      const profile = oneOf('a middlebox', String(named.value), MIDDLEBOXES.names(), positions, named.path);
      const { product, layer, idleTimeout, playedBy, remedy } = profiles(profile);
      const idleTimeoutSeconds =
        host.idleTimeout === undefined
          ? idleTimeout.defaultSeconds
          : resolver.seconds(host.idleTimeout, ['hosts', name, 'idleTimeout'], idleTimeoutLimit(layer));
      hosts.push({
        role: 'middlebox',
        name,
        profile,
        product,
        layer,
        idleTimeoutSeconds,
        playedBy,
        ...(remedy === undefined ? {} : { remedy }),
      });
    }
  }
  for (const [role, least, what] of [
    ['middlebox', 1, 'exactly one middlebox'],
    ['client', 1, 'exactly one client host (it may hold many connections)'],
  ] as const)
    if (hosts.filter((host) => host.role === role).length !== least) throw positions.error(['hosts'], what);
  if (!hosts.some((host) => host.role === 'broker')) throw positions.error(['hosts'], 'a broker');
  if (new Set(Object.values(file.hosts).flatMap((host) => ('broker' in host ? [host.broker] : []))).size > 1)
    throw positions.error(['hosts'], 'brokers of one kind');
  const twice = hosts.find((host, index) => hosts.findIndex(({ name }) => name === host.name) < index);
  if (twice)
    throw positions.error(
      ['hosts', twice.role === 'broker' ? twice.group : twice.name],
      'host names that stay different once brokers are numbered',
      { found: `two hosts called "${twice.name}"`, key: true },
    );
  return hosts;
}

/** Refuses a middlebox that cannot be played with these hosts. */
async function checkBox(
  file: ScenarioFile,
  hosts: HostPlan[],
  resolver: Resolver,
  positions: Positions,
  known: Known,
): Promise<void> {
  const box = hosts.find((host) => host.role === 'middlebox') as MiddleboxPlan;
  const [kind] = Object.keys(box.playedBy) as [string];
  const { default: player } = await known.boxes.load(kind);
  const brokers = hosts.flatMap((host) => (host.role === 'broker' ? [host.name] : []));
  const refusal = player.refuses?.({ brokers });
  if (refusal === undefined) return;
  const host = file.hosts[box.name];
  const named = resolver.resolve(host && 'middlebox' in host ? host.middlebox : undefined, [
    'hosts',
    box.name,
    'middlebox',
  ]);
  throw positions.error(named.path, 'a middlebox that can be played here', {
    found: `${quoted(box.profile)}: ${refusal.what}`,
    hint: refusal.todo,
  });
}

function planTimeline(
  file: ScenarioFile,
  hosts: HostPlan[],
  resolver: Resolver,
  positions: Positions,
  known: Known,
): Step[] {
  const steps = file.timeline.map((entry, index): Step => {
    const [key, raw] = Object.entries(entry)[0] as [string, unknown];
    const path = ['timeline', index, key];
    if (key === 'quiet' || key === 'observe')
      return { kind: key, seconds: resolver.seconds(raw, path, DURATION_LIMITS.wait) };
    const host = hosts.find((candidate) => candidate.name === key);
    const names = hosts.map((candidate) => candidate.name);
    if (!host)
      throw positions.error(path, `a host of this scenario (${names.join(', ')}), or quiet, or observe`, {
        found: `the key ${quoted(key)}`,
        hint: suggestion(key, [...names, 'quiet', 'observe']),
        key: true,
      });
    const { value, path: place } = resolver.resolve(raw, path);
    const action = String(value);
    oneOf(`something ${key} can do or suffer`, action, known.verbs(host.role), positions, place);
    return { kind: 'action', host: key, action };
  });
  const client = hosts.find((host) => host.role === 'client');
  const spread = client?.spreadSeconds ?? 0;
  const waits = steps.reduce(
    (sum, step) => sum + (step.kind === 'action' ? (step.host === client?.name ? spread : 0) : step.seconds),
    0,
  );
  if (waits > LONGEST_SECONDS)
    throw positions.error(
      ['timeline'],
      `steps that last at most ${shortDuration(LONGEST_SECONDS)} together, ${DURATION_LIMITS.wait.because}`,
      {
        found: plainDuration(waits),
        key: true,
      },
    );
  return steps;
}

const CLIENT_ONLY = ['heartbeatSeconds', 'commandTimeoutSeconds', 'socketTimeoutSeconds'] as const;

function planTuning(
  act: ScenarioFile['acts'][string],
  hosts: HostPlan[],
  resolver: Resolver,
  pace: Pace,
  positions: Positions,
  path: PropertyKey[],
  server: KnownServer,
) {
  const result: Record<string, Tuning> = {};
  const owners = [
    ...new Set(
      hosts.flatMap((host) => (host.role === 'middlebox' ? [] : host.role === 'broker' ? host.group : host.name)),
    ),
  ];
  for (const [host, wanted] of Object.entries(act.tuning ?? {})) {
    const here = [...path, 'tuning', host];
    if (!owners.includes(host))
      throw positions.error(here, `a client or a broker of this scenario: ${owners.join(', ')}`, {
        found: quoted(host),
        hint: suggestion(host, owners),
        key: true,
      });
    if (typeof wanted === 'string') {
      oneOf('a tuning', wanted, TUNINGS.names(), positions, here);
      result[host] = readTuning(TUNINGS.path(wanted), pace);
    } else result[host] = resolver.tuning(wanted, here);
    const role = hosts.find(
      (candidate) => (candidate.role === 'broker' ? candidate.group : candidate.name) === host,
    )?.role;
    const wrong = role === 'client' ? undefined : CLIENT_ONLY.find((key) => result[host]?.[key] !== undefined);
    if (wrong)
      throw positions.error([...here, wrong.replace('Seconds', '')], 'a setting of this host', {
        found: `${wrong.replace('Seconds', '')}, which only a client has`,
        key: true,
      });
    const refusal = role === 'broker' ? server.refuses(result[host] as Tuning) : undefined;
    if (refusal !== undefined) throw positions.error(here, `settings that this broker has (${refusal})`);
  }
  return result;
}

async function planExpectations(
  act: ScenarioFile['acts'][string],
  hosts: HostPlan[],
  positions: Positions,
  path: PropertyKey[],
  known: Known,
): Promise<Expectation[]> {
  const expectations: Expectation[] = [];
  for (const [index, wanted] of act.expect.entries()) {
    const [check, raw] =
      typeof wanted === 'string' ? [wanted, {}] : (Object.entries(wanted)[0] as [string, Record<string, unknown>]);
    const here = typeof wanted === 'string' ? [...path, 'expect', index] : [...path, 'expect', index, check];
    oneOf('a check', check, known.checks.names(), positions, here);
    const { default: definition } = await known.checks.load(check);
    const params = definition.params.safeParse(raw ?? {});
    if (!params.success) {
      const issue = params.error.issues[0];
      const keys = Object.keys((definition.params as unknown as { shape: Record<string, unknown> }).shape);
      throw positions.error(
        [...here, ...(issue?.path ?? [])],
        keys.length > 0 ? `the parameters of ${check} (${keys.join(', ')}): ${issue?.message}` : `no parameters`,
      );
    }
    const groups = hosts.flatMap((host) => (host.role === 'broker' ? [host.group, host.name] : [host.name]));
    const at = (params.data as { at?: string }).at;
    if (at !== undefined) oneOf('a host', at, [...new Set(groups)], positions, [...here, 'at']);
    expectations.push({ check, params: params.data as Record<string, unknown> });
  }
  return expectations;
}

/**
 * Reads a scenario file and resolves it for one pace.
 * @param known what there is to stage and to judge with
 * @throws LabError BAD_FILE (file, line, column) before anything is started
 */
export async function planScenario(path: string, pace: Pace, known: Known): Promise<Plan> {
  const scenario = nameOfFile(path);
  const { value: file, source, positions } = readYaml(path, scenarioSchema);
  const profiles = profilesOf();
  const acts: ActPlan[] = [];
  for (const [name, act] of Object.entries(file.acts)) {
    const here: PropertyKey[] = ['acts', name];
    notReserved('an act', RESERVED_ACTS, name, positions, here);
    const params = new Map<string, { raw: unknown; path: readonly PropertyKey[] }>();
    for (const [key, raw] of Object.entries(file.params)) params.set(key, { raw, path: ['params', key] });
    for (const [key, raw] of Object.entries(act.params ?? {})) {
      if (!Object.hasOwn(file.params, key))
        throw positions.error(
          [...here, 'params', key],
          `a parameter of the scenario: ${Object.keys(file.params).join(', ') || '(none)'}`,
          { found: quoted(key), hint: suggestion(key, Object.keys(file.params)), key: true },
        );
      params.set(key, { raw, path: [...here, 'params', key] });
    }
    const resolver = new Resolver(params, pace, positions);
    const production = new Resolver(params, 'production', positions);
    const hosts = planHosts(file, resolver, positions, profiles, known);
    const { broker: kind } = hosts.find((host) => host.role === 'broker') as BrokerPlan;
    const { default: server } = await known.servers.load(kind);
    await checkBox(file, hosts, resolver, positions, known);
    const productionBox = planHosts(file, production, positions, profiles, known).find(
      (host) => host.role === 'middlebox',
    ) as MiddleboxPlan;
    acts.push({
      name,
      title: act.title ?? name,
      hosts,
      tuning: planTuning(act, hosts, resolver, pace, positions, here, server),
      productionTuning: planTuning(act, hosts, production, 'production', positions, here, server),
      productionIdleTimeoutSeconds: productionBox.idleTimeoutSeconds,
      productionQuietSeconds: Math.max(
        0,
        ...planTimeline(file, hosts, production, positions, known).map((step) =>
          step.kind === 'quiet' ? step.seconds : 0,
        ),
      ),
      ...(act.hz === undefined ? {} : { hz: act.hz }),
      timeline: planTimeline(file, hosts, resolver, positions, known),
      expect: await planExpectations(act, hosts, positions, here, known),
    });
  }
  const shared = sharedFileName(acts);
  if (shared)
    throw positions.error(['acts', shared.acts[1]], 'acts and hosts whose names, joined by a dash, differ', {
      found: `"${shared.name}" in the acts ${shared.acts.join(' and ')}`,
      key: true,
    });
  return {
    schemaVersion: 1,
    scenario,
    title: file.title,
    story: source.comment,
    file: path,
    pace,
    acts,
    next: file.next ?? null,
  };
}
