// Hosts and paths of an act, as its plan has them.
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { MIDDLEBOXES } from './catalogue.ts';
import { checked } from './complaint.ts';
import type { Known, KnownBox, KnownPlace } from './known.ts';
import { knownKeys } from './known-keys.ts';
import { COUNT_LIMITS, DURATION_LIMITS } from './limits.ts';
import { notReserved, oneOf } from './names.ts';
import { behind, impliedPaths, type PathPlan, readPaths, takersBehind } from './paths.ts';
import { type ActPlan, type BoxTimers, type HostPlan, kindOf, type MiddleboxPlan } from './plan.ts';
import { idleTimeoutLimit, type Profile, readProfileIn } from './profile.ts';
import type { Positions } from './read.ts';
import { RESERVED_HOSTS } from './reserved-names.ts';
import type { Resolver } from './resolver.ts';
import type { ScenarioFile } from './schema.ts';
import type { IpFamily } from './topology.ts';

/** Reads profiles by name, each once. */
export type Profiles = (name: string) => Promise<Profile>;

/** A profile whose box there is, with parameters that the box takes. @throws LabError BAD_FILE in the profile's file */
async function readPlayable(name: string, { boxes }: Known): Promise<Profile> {
  const { profile, positions } = readProfileIn(MIDDLEBOXES.path(name));
  const kind = kindOf(profile);
  if (!boxes.names().includes(kind))
    throw positions.error(['playedBy', kind], `a way to play a middlebox: one of ${boxes.names().join(', ')}`, {
      found: `the key ${quoted(kind)}`,
      hint: suggestion(kind, boxes.names()),
      key: true,
    });
  const { params } = (await boxes.load(kind)).default;
  const read = checked(params, profile.playedBy[kind]);
  if ('value' in read) return profile;
  const { path, expected, stray } = read.complaint;
  throw positions.error(
    ['playedBy', kind, ...path, ...(stray === undefined ? [] : [stray])],
    stray === undefined
      ? expected
      : `what ${kind} takes: ${knownKeys(params, path, profile.playedBy[kind]).join(', ')}`,
    stray === undefined ? {} : { found: `the key ${quoted(stray)}`, key: true },
  );
}

export function profilesOf(known: Known): Profiles {
  const read = new Map<string, Promise<Profile>>();
  return (name) => {
    const profile = read.get(name) ?? readPlayable(name, known);
    read.set(name, profile);
    return profile;
  };
}

/** What a file is read with. */
export interface Reading {
  file: ScenarioFile;
  positions: Positions;
  profiles: Profiles;
  known: Known;
  /** Where it is to be played; undefined: anywhere. */
  place: KnownPlace | undefined;
}

type Path = readonly PropertyKey[];

type MiddleboxFile = Extract<ScenarioFile['hosts'][string], { middlebox: string }>;

function timersOf(host: MiddleboxFile, profile: Profile, resolver: Resolver, path: PropertyKey[]): BoxTimers {
  const limit = idleTimeoutLimit(profile.layer);
  const read = (raw: unknown, ...keys: string[]) => resolver.seconds(raw, [...path, ...keys], limit);
  const { idleTimeout } = host;
  const life =
    host.life === undefined
      ? profile.lifeSeconds
      : resolver.seconds(host.life, [...path, 'life'], idleTimeoutLimit(profile.layer));
  const lifeSeconds = life === undefined ? {} : { lifeSeconds: life };
  const sides =
    idleTimeout === undefined
      ? profile.idleTimeout.sides
      : typeof idleTimeout === 'object' && 'client' in idleTimeout
        ? {
            clientSeconds: read(idleTimeout.client, 'idleTimeout', 'client'),
            serverSeconds: read(idleTimeout.server, 'idleTimeout', 'server'),
          }
        : undefined;
  if (sides)
    return { idleSeconds: Math.min(sides.clientSeconds, sides.serverSeconds), sides: { ...sides }, ...lifeSeconds };
  return {
    idleSeconds: idleTimeout === undefined ? profile.idleTimeout.defaultSeconds : read(idleTimeout, 'idleTimeout'),
    ...lifeSeconds,
  };
}

async function planBox(
  name: string,
  host: MiddleboxFile,
  { positions, profiles, known }: Reading,
  resolvers: { played: Resolver; production: Resolver },
): Promise<MiddleboxPlan> {
  const path = ['hosts', name];
  const named = resolvers.played.resolve(host.middlebox, [...path, 'middlebox']);
  const profile = oneOf('a middlebox', String(named.value), MIDDLEBOXES.names(), positions, named.path);
  const read = await profiles(profile);
  const { product, layer, playedBy, refreshedBy, remedy } = read;
  const box = {
    role: 'middlebox' as const,
    name,
    profile,
    product,
    layer,
    timers: timersOf(host, read, resolvers.played, path),
    productionTimers: timersOf(host, read, resolvers.production, path),
    refreshedBy: layer === 'L4' && refreshedBy.tcpKeepalive === 'no' ? ('data' as const) : ('any-packet' as const),
    playedBy,
    ...(remedy === undefined ? {} : { remedy }),
  };
  const { default: player } = await known.boxes.load(kindOf(box));
  return { ...box, entrance: player.entrance, hidesClients: player.hidesClients(playedBy[kindOf(box)]) };
}

function planServers(name: string, server: string, count: number): HostPlan[] {
  return Array.from({ length: count }, (_, index) => ({
    role: 'server' as const,
    name: count === 1 ? name : `${name}-${index + 1}`,
    group: name,
    server,
  }));
}

/** The hosts of an act. @throws LabError BAD_FILE */
export async function planHosts(
  reading: Reading,
  resolvers: { played: Resolver; production: Resolver },
): Promise<HostPlan[]> {
  const { file, positions, known } = reading;
  const hosts: HostPlan[] = [];
  for (const [name, host] of Object.entries(file.hosts)) {
    const path = ['hosts', name];
    notReserved('a host', RESERVED_HOSTS, name, positions, path);
    if ('client' in host) {
      hosts.push({
        role: 'client',
        name,
        library: oneOf('a client library', host.client, known.clients.names(), positions, [...path, 'client']),
        connections: host.connections,
        ...(host.spread === undefined
          ? {}
          : { spreadSeconds: resolvers.played.seconds(host.spread, [...path, 'spread'], DURATION_LIMITS.spread) }),
      });
    } else if ('middlebox' in host) hosts.push(await planBox(name, host, reading, resolvers));
    else {
      const [key, typed] = 'server' in host ? (['server', host.server] as const) : (['broker', host.broker] as const);
      const server = oneOf('a server', typed, known.servers.names(), positions, [...path, key]);
      hosts.push(...planServers(name, server, host.count));
    }
  }
  for (const [role, what] of [
    ['client', 'a client'],
    ['server', 'a server'],
  ] as const)
    if (!hosts.some((host) => host.role === role)) throw positions.error(['hosts'], what);
  const connections = hosts.reduce((sum, host) => sum + (host.role === 'client' ? host.connections : 0), 0);
  if (connections > COUNT_LIMITS.connections.most)
    throw positions.error(['hosts'], `at most ${COUNT_LIMITS.connections.most} connections together`, {
      found: String(connections),
    });
  const twice = hosts.find((host, index) => hosts.findIndex(({ name }) => name === host.name) < index);
  if (twice)
    throw positions.error(
      ['hosts', twice.role === 'server' ? twice.group : twice.name],
      'host names that stay different once servers are numbered',
      { found: `two hosts called "${twice.name}"`, key: true },
    );
  return hosts;
}

/** The paths of an act, as written or as the order of its hosts implies. @throws LabError BAD_FILE */
export function planPaths(hosts: readonly HostPlan[], { file, positions }: Reading): PathPlan[] {
  const written = file.paths ?? impliedPaths(hosts);
  const read = readPaths(written, hosts);
  if (Array.isArray(read)) return read;
  const inPaths = file.paths === undefined || read.path === undefined ? [] : [read.path];
  const place = inPaths.length === 0 || read.place === undefined ? [] : [read.place];
  const where =
    read.host !== undefined
      ? ['hosts', read.host]
      : file.paths === undefined
        ? ['hosts']
        : ['paths', ...inPaths, ...place];
  throw positions.error(where, read.expected, {
    found: read.found,
    hint: file.paths === undefined ? 'write "paths:", one list from each client to its server' : read.todo,
    key: read.host !== undefined || file.paths === undefined,
  });
}

const nameOf = (file: ScenarioFile, resolver: Resolver, name: string) => {
  const host = file.hosts[name];
  return resolver.resolve(host && 'middlebox' in host ? host.middlebox : undefined, ['hosts', name, 'middlebox']);
};

/** Where it stands what a host is. */
function pathOfHost(file: ScenarioFile, resolver: Resolver, hosts: readonly HostPlan[], name: string): Path {
  const host = hosts.find((each) => each.name === name);
  const owner = host?.role === 'server' ? host.group : name;
  return host?.role === 'middlebox' ? nameOf(file, resolver, owner).path : ['hosts', owner];
}

/** What no box can do, whoever plays it. */
function misplaced(box: MiddleboxPlan, paths: readonly PathPlan[], hosts: readonly HostPlan[]): string | undefined {
  if (!box.entrance) return undefined;
  const [first, ...others] = paths
    .filter(({ boxes }) => boxes.includes(box.name))
    .map((path) => takersBehind(path, box.name, hosts).join(', '));
  const other = others.find((takers) => takers !== first);
  return other === undefined ? undefined : `it takes connections for ${first} and, on another path, for ${other}`;
}

/** Refuses middleboxes that cannot be played where they stand. @throws LabError BAD_FILE */
export async function checkBoxes(
  hosts: readonly HostPlan[],
  paths: readonly PathPlan[],
  ip: IpFamily,
  { file, positions, known }: Reading,
  resolver: Resolver,
): Promise<void> {
  for (const box of hosts) {
    if (box.role !== 'middlebox') continue;
    const kind = kindOf(box);
    const player: KnownBox = (await known.boxes.load(kind)).default;
    const place = misplaced(box, paths, hosts);
    const refusal =
      place === undefined
        ? player.refuses?.({ box, behind: behind(paths, box.name), hosts, ip })
        : { what: place, todo: 'give the second path a balancer of its own' };
    if (refusal === undefined) continue;
    throw positions.error(nameOf(file, resolver, box.name).path, 'a middlebox that can be played here', {
      found: `${quoted(box.profile)}: ${refusal.what}`,
      hint: refusal.todo,
    });
  }
}

/** Refuses what cannot be played where the act is to be played. @throws LabError BAD_FILE */
export async function checkPlace(act: ActPlan, { file, positions, place }: Reading, resolver: Resolver): Promise<void> {
  const refusal = await place?.refuses?.(act);
  if (place === undefined || refusal === undefined) return;
  const [path, expected] =
    'ip' in refusal
      ? [['ip'], `a version of IP that can be played on ${place.name}`]
      : [pathOfHost(file, resolver, act.hosts, refusal.host), `something that can be played on ${place.name}`];
  throw positions.error(path, expected, {
    found: 'ip' in refusal ? `${act.ip}: ${refusal.what}` : `${refusal.host}: ${refusal.what}`,
    hint: refusal.todo,
  });
}

/** Refuses clients whose protocol their servers do not speak. @throws LabError BAD_FILE */
export async function checkProtocols(
  hosts: readonly HostPlan[],
  paths: readonly PathPlan[],
  { positions, known }: Reading,
): Promise<void> {
  for (const { client, servers } of paths) {
    const host = hosts.find(({ name }) => name === client);
    if (host?.role !== 'client') continue;
    const { speaks } = (await known.clients.load(host.library)).default;
    for (const name of servers) {
      const server = hosts.find((each) => each.name === name);
      if (speaks === undefined || server?.role !== 'server') continue;
      const protocol = (await known.servers.load(server.server)).default.speaks ?? server.server;
      if (protocol === speaks) continue;
      throw positions.error(
        ['hosts', client, 'client'],
        `a client that ${server.group} understands, a server called "${server.server}"`,
        {
          found: `${host.library}, which speaks to a ${speaks} server`,
        },
      );
    }
  }
}
