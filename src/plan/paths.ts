// Who stands between whom: the paths of a scenario, read from `paths:` or, where that is left out, from the order of hosts.
import { suggestion } from '../base/suggest.ts';
import type { HostPlan } from './plan.ts';

/** A path as the lab plays it. */
export interface PathPlan {
  client: string;
  /** Middleboxes in the order in which a connection passes them; none where client and server share a link. */
  boxes: string[];
  /** All of one group: the last box chooses among them. */
  servers: string[];
}

/** What is wrong with a path, and where: `path` and `place` are indices into `paths:`; undefined for the paths as a whole. */
export interface PathProblem {
  path?: number;
  place?: number;
  /** The host that it is about, where that stands in no path. */
  host?: string;
  /** For "expected …". */
  expected: string;
  found: string;
  /** What to do. */
  todo?: string;
}

const groupOf = (host: HostPlan): string => (host.role === 'server' ? host.group : host.name);

/** The word of a host in `paths:`, a server's group included. */
export const pathNames = (hosts: readonly HostPlan[]): string[] => [
  ...new Set(hosts.flatMap((host) => (host.role === 'server' ? [host.group, host.name] : [host.name]))),
];

/** Where no paths are written: every client through all boxes, in the order written, to the servers. */
export function impliedPaths(hosts: readonly HostPlan[]): string[][] {
  const boxes = hosts.filter(({ role }) => role === 'middlebox').map(({ name }) => name);
  const groups = [...new Set(hosts.filter(({ role }) => role === 'server').map(groupOf))];
  return hosts
    .filter(({ role }) => role === 'client')
    .flatMap(({ name }) => groups.map((group) => [name, ...boxes, group]));
}

function didYouMean(typed: string, hosts: readonly HostPlan[]): { todo?: string } {
  const todo = suggestion(typed, pathNames(hosts));
  return todo === undefined ? {} : { todo };
}

function readPath(
  written: readonly string[],
  path: number,
  hosts: readonly HostPlan[],
): PathPlan | (PathProblem & { path: number }) {
  const called = (name: string) =>
    hosts.filter((host) => host.name === name || (host.role === 'server' && host.group === name));
  for (const [place, name] of written.entries()) {
    const [host] = called(name);
    if (host === undefined)
      return {
        path,
        place,
        expected: `a host of this scenario (${pathNames(hosts).join(', ')})`,
        found: `"${name}"`,
        ...didYouMean(name, hosts),
      };
    const wanted = place === 0 ? 'client' : place === written.length - 1 ? 'server' : 'middlebox';
    const words = { client: 'a client', server: 'a server', middlebox: 'a middlebox' } as const;
    const at = {
      client: 'at the beginning of a path',
      server: 'at the end of a path',
      middlebox: 'between client and server',
    } as const;
    if (host.role !== wanted)
      return { path, place, expected: `${words[wanted]} ${at[wanted]}`, found: `${name}, ${words[host.role]}` };
    if (written.indexOf(name) < place)
      return {
        path,
        place,
        expected: 'each host once',
        found: `${name} a second time: the path is a circle`,
        todo: 'a connection passes each host once',
      };
  }
  return {
    client: written[0] as string,
    boxes: written.slice(1, -1),
    servers: called(written.at(-1) as string).map(({ name }) => name),
  };
}

/** The hosts of a path in its order; servers as one step each. */
export const hostsOnPath = ({ client, boxes, servers }: PathPlan): string[] => [client, ...boxes, ...servers];

/** Boxes that stand in one order on one path and in the other on others: each path with those written before it. */
function circleOf(paths: readonly PathPlan[]): PathProblem | undefined {
  const before = new Map<string, Set<string>>();
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(before.get(from) ?? [])].some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))));
  for (const [path, { boxes }] of paths.entries()) {
    for (const [place, box] of boxes.entries()) {
      const back = boxes.slice(0, place).find((earlier) => reaches(box, earlier));
      if (back !== undefined)
        return {
          path,
          place: place + 1,
          expected: 'middleboxes in the same order on every path',
          found: `${box} behind ${back}, which stands behind ${box} elsewhere: the paths make a circle`,
          todo: 'give one of the paths a middlebox of its own',
        };
    }
    for (const [place, box] of boxes.entries()) {
      const next = boxes[place + 1];
      if (next !== undefined) before.set(box, (before.get(box) ?? new Set()).add(next));
    }
  }
  return undefined;
}

/**
 * Two paths on which packets for one place would leave a host by two ways. Kernels route by the destination alone: one of the
 * paths would never be taken.
 */
export function forkOf(paths: readonly PathPlan[], hosts: readonly HostPlan[]): PathProblem | undefined {
  const boxes = new Map(hosts.flatMap((host) => (host.role === 'middlebox' ? [[host.name, host] as const] : [])));
  const ways = new Map<string, string>();
  for (const [path, { client, boxes: passed, servers }] of paths.entries())
    for (const server of servers) {
      const chain = [client, ...passed, server];
      for (const [at, host] of chain.entries()) {
        const part = (far: number, way: string, to: string): PathProblem | undefined => {
          const key = `${host} ${to}`;
          const known = ways.get(key);
          ways.set(key, known ?? way);
          return known === undefined || known === way
            ? undefined
            : {
                path,
                place: at,
                expected: 'one way from a host to another',
                found: `${host}, which leads to ${chain[far]} through ${known} elsewhere`,
                todo: 'packets are routed by where they go, not by whence they come: give one of the paths hosts of its own',
              };
        };
        // Towards the servers: as far as somebody takes the connection.
        const far = chain.findIndex((name, index) => index > at && (name === server || boxes.get(name)?.entrance));
        const by = chain[far] === server ? chain[far - 1] : '';
        const problem = far < 0 ? undefined : part(far, chain[at + 1] as string, `to ${chain[far]} ${by}`);
        if (problem) return problem;
        // Back: as far as somebody has put an address of its own into the packets.
        for (let source = at - 1; source >= 0; source--) {
          const hides = boxes.get(chain[source] as string)?.hidesClients;
          if (source > 0 && !hides) continue;
          const back = part(source, chain[at - 1] as string, `back to ${chain[source]} ${chain[source + 1]}`);
          if (back) return back;
          if (hides) break;
        }
      }
    }
  return undefined;
}

/**
 * Reads the paths of a scenario.
 * @param written lists of hosts' names from a client to a server or to a group of servers
 * @returns one path for each, or what is wrong
 */
export function readPaths(
  written: readonly (readonly string[])[],
  hosts: readonly HostPlan[],
): PathPlan[] | PathProblem {
  const paths: PathPlan[] = [];
  for (const [index, names] of written.entries()) {
    if (names.length < 2)
      return { path: index, expected: 'a client, middleboxes and a server', found: `${names.length} host(s)` };
    const read = readPath(names, index, hosts);
    if ('expected' in read) return read;
    paths.push(read);
  }
  for (const [index, { client }] of paths.entries())
    if (paths.findIndex((other) => other.client === client) < index)
      return {
        path: index,
        place: 0,
        expected: 'a client on one path',
        found: `${client}, which is on another path already`,
        todo: 'a client speaks to one place: give the second path a client host of its own',
      };
  const circle = circleOf(paths);
  if (circle) return circle;
  const fork = forkOf(paths, hosts);
  if (fork) return fork;
  const onPaths = new Set(paths.flatMap(hostsOnPath));
  const stray = hosts.find(({ name }) => !onPaths.has(name));
  if (stray)
    return {
      host: groupOf(stray),
      expected: 'every host on a path',
      found: `${groupOf(stray)}, which is on none`,
      todo: `name ${groupOf(stray)} in "paths:", or leave it out of "hosts:"`,
    };
  const unbalanced = paths.findIndex(({ boxes, servers }) => boxes.length === 0 && servers.length > 1);
  if (unbalanced >= 0)
    return {
      path: unbalanced,
      expected: 'a middlebox that chooses among the servers',
      found: `${paths[unbalanced]?.servers.length} servers and none`,
      todo: 'leave out "count", or put a balancer on the path',
    };
  return paths;
}

/** Who takes a connection that leaves a host of a path: the next box that has an entrance, or the servers. */
export function takersBehind({ boxes, servers }: PathPlan, host: string, hosts: readonly HostPlan[]): string[] {
  const takes = (name: string) =>
    hosts.some((each) => each.role === 'middlebox' && each.name === name && each.entrance);
  const next = boxes.slice(boxes.indexOf(host) + 1).find(takes);
  return next === undefined ? servers : [next];
}

/** What stands behind a host on its paths: the next hosts, towards the servers, each once. */
export const behind = (paths: readonly PathPlan[], host: string): string[] => [
  ...new Set(
    paths.flatMap(({ client, boxes, servers }) => {
      const chain = [client, ...boxes];
      const at = chain.indexOf(host);
      if (at < 0) return [];
      return at === chain.length - 1 ? servers : [chain[at + 1] as string];
    }),
  ),
];

/** What stands before a host on its paths: the hosts next to it towards the clients, each once. */
export const before = (paths: readonly PathPlan[], host: string): string[] => [
  ...new Set(
    paths.flatMap(({ client, boxes, servers }) => {
      const chain = [client, ...boxes];
      if (servers.includes(host)) return [chain.at(-1) as string];
      const at = chain.indexOf(host);
      return at > 0 ? [chain[at - 1] as string] : [];
    }),
  ),
];

/** The clients whose connections may pass a host. */
export const clientsThrough = (paths: readonly PathPlan[], host: string): string[] =>
  paths.filter((path) => hostsOnPath(path).includes(host)).map(({ client }) => client);
