import { basename } from 'node:path';
import type { Broker } from '../../services/broker/broker.ts';
import { AGENT_ACTIONS, BROKERS, CHECKS, CLIENTS, FAULTS, MIDDLEBOXES, TUNINGS } from './catalogue.ts';
import { parseDuration } from './duration.ts';
import type { Pace } from './pace.ts';
import type { ActPlan, BrokerPlan, Expectation, HostPlan, MiddleboxPlan, Plan, Step, Tuning } from './plan.ts';
import { type Positions, readYaml } from './read.ts';
import {
  type MiddleboxFile,
  middleboxSchema,
  type ScenarioFile,
  scenarioSchema,
  type TuningFile,
  tuningSchema,
} from './schema.ts';
import { suggestion } from './suggest.ts';

const isPaced = (raw: unknown): raw is Record<Pace, unknown> =>
  typeof raw === 'object' && raw !== null && 'production' in raw && 'compressed' in raw;

/** A parameter's raw value, and where in the file it stands. */
type Params = Record<string, { raw: unknown; path: readonly PropertyKey[] }>;

/** Resolves `$name` and {production, compressed}; complains at the place in the file where the value stands. */
class Resolver {
  readonly #params: Params;
  readonly #pace: Pace;
  readonly #positions: Positions;

  constructor(params: Params, pace: Pace, positions: Positions) {
    this.#params = params;
    this.#pace = pace;
    this.#positions = positions;
  }

  #pick(raw: unknown, path: readonly PropertyKey[]): { value: unknown; path: readonly PropertyKey[] } {
    return isPaced(raw) ? { value: raw[this.#pace], path: [...path, this.#pace] } : { value: raw, path };
  }

  resolve(raw: unknown, path: readonly PropertyKey[]): { value: unknown; path: readonly PropertyKey[] } {
    const picked = this.#pick(raw, path);
    if (typeof picked.value !== 'string' || !picked.value.startsWith('$')) return picked;
    const param = this.#params[picked.value.slice(1)];
    if (param) return this.#pick(param.raw, param.path);
    const known = Object.keys(this.#params).map((key) => `$${key}`);
    throw this.#positions.error(
      picked.path,
      known.length > 0 ? `one of the parameters ${known.join(', ')}` : 'a parameter that "params" names',
      { hint: suggestion(picked.value, known) },
    );
  }

  seconds(raw: unknown, path: readonly PropertyKey[]): number {
    const found = this.resolve(raw, path);
    const seconds = parseDuration(String(found.value));
    if (seconds === undefined)
      throw this.#positions.error(found.path, 'a duration, as in 350s, 8h or 200ms', {
        found: JSON.stringify(found.value),
      });
    return seconds;
  }

  number(raw: unknown, path: readonly PropertyKey[]): number {
    const found = this.resolve(raw, path);
    const value = Number(found.value);
    if (!Number.isInteger(value) || value < 0)
      throw this.#positions.error(found.path, 'a whole number from 0', { found: JSON.stringify(found.value) });
    return value;
  }

  tuning(file: TuningFile, path: readonly PropertyKey[]): Tuning {
    const tuning: Tuning = {};
    const { keepalive } = file;
    if (keepalive === 'off') tuning.keepalive = 'off';
    else if (keepalive !== undefined) {
      tuning.keepalive = { idleSeconds: this.seconds(keepalive.idle, [...path, 'keepalive', 'idle']) };
      if (keepalive.interval !== undefined)
        tuning.keepalive.intervalSeconds = this.seconds(keepalive.interval, [...path, 'keepalive', 'interval']);
      if (keepalive.probes !== undefined)
        tuning.keepalive.probes = this.number(keepalive.probes, [...path, 'keepalive', 'probes']);
    }
    for (const key of ['heartbeat', 'commandTimeout', 'socketTimeout'] as const)
      if (file[key] !== undefined) tuning[`${key}Seconds`] = this.seconds(file[key], [...path, key]);
    for (const key of ['tcpRetries2', 'tcpOrphanRetries'] as const)
      if (file[key] !== undefined) tuning[key] = this.number(file[key], [...path, key]);
    return tuning;
  }
}

function known(
  kind: string,
  typed: string,
  names: readonly string[],
  positions: Positions,
  path: readonly PropertyKey[],
): string {
  if (names.includes(typed)) return typed;
  throw positions.error(path, `${kind}: one of ${names.join(', ')}`, {
    found: `"${typed}"`,
    hint: suggestion(typed, names),
  });
}

function readMiddlebox(profile: string): MiddleboxFile {
  return readYaml(MIDDLEBOXES.path(profile), middleboxSchema).value;
}

function planHosts(file: ScenarioFile, resolver: Resolver, positions: Positions): HostPlan[] {
  const hosts: HostPlan[] = [];
  for (const [name, host] of Object.entries(file.hosts)) {
    if ('client' in host) {
      const library = known('a client library', host.client, CLIENTS.names(), positions, ['hosts', name, 'client']);
      hosts.push({
        role: 'client',
        name,
        library,
        connections: host.connections,
        ...(host.spread === undefined
          ? {}
          : { spreadSeconds: resolver.seconds(host.spread, ['hosts', name, 'spread']) }),
      });
    } else if ('broker' in host) {
      const broker = known('a broker', host.broker, BROKERS.names(), positions, ['hosts', name, 'broker']);
      for (let index = 1; index <= host.count; index++)
        hosts.push({ role: 'broker', name: host.count === 1 ? name : `${name}-${index}`, group: name, broker });
    } else {
      const named = resolver.resolve(host.middlebox, ['hosts', name, 'middlebox']);
      const profile = known('a middlebox', String(named.value), MIDDLEBOXES.names(), positions, named.path);
      const { product, layer, idleTimeout, playedBy, remedy } = readMiddlebox(profile);
      const idleTimeoutSeconds = resolver.seconds(host.idleTimeout ?? idleTimeout.default, [
        'hosts',
        name,
        'idleTimeout',
      ]);
      if (layer === 'L4' && (idleTimeoutSeconds < 1 || !Number.isInteger(idleTimeoutSeconds)))
        throw positions.error(
          resolver.resolve(host.idleTimeout ?? idleTimeout.default, ['hosts', name, 'idleTimeout']).path,
          'whole seconds, at least 1s, as connection tracking counts',
        );
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
  if (new Set(hosts.map((host) => host.name)).size < hosts.length)
    throw positions.error(['hosts'], 'host names that stay different once brokers are numbered', {
      found: 'the same name twice',
    });
  return hosts;
}

/** A client obeys the agent's commands; any host can suffer a fault. */
const actionsOf = (role: HostPlan['role']): readonly string[] => [
  ...(role === 'client' ? AGENT_ACTIONS : []),
  ...FAULTS.names(),
];

function planTimeline(file: ScenarioFile, hosts: HostPlan[], resolver: Resolver, positions: Positions): Step[] {
  return file.timeline.map((entry, index): Step => {
    const [key, raw] = Object.entries(entry)[0] as [string, unknown];
    const path = ['timeline', index, key];
    if (key === 'quiet' || key === 'observe') return { kind: key, seconds: resolver.seconds(raw, path) };
    const host = hosts.find((candidate) => candidate.name === key);
    const names = hosts.map((candidate) => candidate.name);
    if (!host)
      throw positions.error(path, `a host of this scenario (${names.join(', ')}), or quiet, or observe`, {
        found: `the key "${key}"`,
        hint: suggestion(key, [...names, 'quiet', 'observe']),
        key: true,
      });
    const { value, path: place } = resolver.resolve(raw, path);
    const action = String(value);
    known(`something ${key} can do or suffer`, action, actionsOf(host.role), positions, place);
    return { kind: 'action', host: key, action };
  });
}

const CLIENT_ONLY = ['heartbeatSeconds', 'commandTimeoutSeconds', 'socketTimeoutSeconds'] as const;

function planTuning(
  act: ScenarioFile['acts'][string],
  hosts: HostPlan[],
  resolver: Resolver,
  pace: Pace,
  positions: Positions,
  path: PropertyKey[],
  broker: Broker,
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
        found: `"${host}"`,
        hint: suggestion(host, owners),
        key: true,
      });
    if (typeof wanted === 'string') {
      known('a tuning', wanted, TUNINGS.names(), positions, here);
      const named = readYaml(TUNINGS.path(wanted), tuningSchema);
      result[host] = new Resolver({}, pace, named.positions).tuning(named.value, []);
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
    const refusal = role === 'broker' ? broker.refuses(result[host] as Tuning) : undefined;
    if (refusal !== undefined) throw positions.error(here, `settings that this broker has (${refusal})`);
  }
  return result;
}

async function planExpectations(
  act: ScenarioFile['acts'][string],
  hosts: HostPlan[],
  positions: Positions,
  path: PropertyKey[],
): Promise<Expectation[]> {
  const expectations: Expectation[] = [];
  for (const [index, wanted] of act.expect.entries()) {
    const [check, raw] =
      typeof wanted === 'string' ? [wanted, {}] : (Object.entries(wanted)[0] as [string, Record<string, unknown>]);
    const here = typeof wanted === 'string' ? [...path, 'expect', index] : [...path, 'expect', index, check];
    known('a check', check, CHECKS.names(), positions, here);
    const { default: definition } = await CHECKS.load(check);
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
    if (at !== undefined) known('a host', at, [...new Set(groups)], positions, [...here, 'at']);
    expectations.push({ check, params: params.data as Record<string, unknown> });
  }
  return expectations;
}

/**
 * Reads a scenario file and resolves it for one pace.
 * @throws LabError BAD_FILE (file, line, column) before anything is started
 */
export async function planScenario(path: string, pace: Pace): Promise<Plan> {
  const { value: file, source, positions } = readYaml(path, scenarioSchema);
  const acts: ActPlan[] = [];
  for (const [name, act] of Object.entries(file.acts)) {
    const here: PropertyKey[] = ['acts', name];
    const params: Params = {};
    for (const [key, raw] of Object.entries(file.params)) params[key] = { raw, path: ['params', key] };
    for (const [key, raw] of Object.entries(act.params ?? {})) params[key] = { raw, path: [...here, 'params', key] };
    for (const key of Object.keys(act.params ?? {}))
      if (!(key in file.params))
        throw positions.error(
          [...here, 'params', key],
          `a parameter of the scenario: ${Object.keys(file.params).join(', ')}`,
          { found: key, key: true },
        );
    const resolver = new Resolver(params, pace, positions);
    const production = new Resolver(params, 'production', positions);
    const hosts = planHosts(file, resolver, positions);
    const { broker: kind } = hosts.find((host) => host.role === 'broker') as BrokerPlan;
    const { default: broker } = await BROKERS.load(kind);
    const productionBox = planHosts(file, production, positions).find(
      (host) => host.role === 'middlebox',
    ) as MiddleboxPlan;
    acts.push({
      name,
      title: act.title ?? name,
      hosts,
      tuning: planTuning(act, hosts, resolver, pace, positions, here, broker),
      productionTuning: planTuning(act, hosts, production, 'production', positions, here, broker),
      productionIdleTimeoutSeconds: productionBox.idleTimeoutSeconds,
      productionQuietSeconds: Math.max(
        0,
        ...planTimeline(file, hosts, production, positions).map((step) => (step.kind === 'quiet' ? step.seconds : 0)),
      ),
      ...(act.hz === undefined ? {} : { hz: act.hz }),
      timeline: planTimeline(file, hosts, resolver, positions),
      expect: await planExpectations(act, hosts, positions, here),
    });
  }
  return {
    schemaVersion: 1,
    scenario: basename(path).replace(/\.ya?ml$/, ''),
    title: file.title,
    story: source.comment,
    file: path,
    pace,
    acts,
    next: file.next ?? null,
  };
}
