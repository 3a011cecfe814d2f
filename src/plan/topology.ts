// The network of an act, derived from its paths: one subnet a link, and on every host exactly the routes that its paths need.
import { hostsOnPath, type PathPlan } from './paths.ts';
import type { ActPlan, HostPlan, MiddleboxPlan } from './plan.ts';

/**
 * Addresses are from the blocks for benchmarks, 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180): no real network can be
 * meant by them.
 */
export type IpFamily = 'v4' | 'v6';

/** One end of a link. */
export interface Nic {
  /** The interface's name: `eth0` on a host with one link, else the name of the host that the link leads to. */
  name: string;
  /** The host at the other end. */
  peer: string;
  address: string;
  prefixLength: number;
}

export interface Route {
  /** A network, as in 198.18.10.0/24. */
  to: string;
  /** The neighbour's address. */
  via: string;
  /** The interface that leads there. */
  nic: string;
}

export interface TopologyHost {
  name: string;
  nics: Nic[];
  /** On a middlebox: an address of its own, on its loopback, that clients may connect to. */
  service?: string;
  /** Whether it passes on what is not for itself. */
  forwards: boolean;
  routes: Route[];
}

export interface Link {
  /** The end nearer to the clients first. */
  ends: [string, string];
  /** Its network, as in 198.18.10.0/24. */
  network: string;
}

export interface Topology {
  ip: IpFamily;
  hosts: TopologyHost[];
  links: Link[];
}

/** Numbers of networks, by what their link joins. */
const FIRST = { client: 10, box: 60, server: 101 } as const;
const PREFIX = { v4: 24, v6: 64 } as const;
const WHOLE = { v4: 32, v6: 128 } as const;

const networkOf = (ip: IpFamily, number: number): string =>
  ip === 'v4' ? `198.18.${number}.0/${PREFIX.v4}` : `2001:2:0:${number.toString(16)}::/${PREFIX.v6}`;

/** @param host 1 for the end nearer to the servers, 2 for the other: a box is the first of its hosts' networks */
const addressOf = (ip: IpFamily, number: number, host: number): string =>
  ip === 'v4' ? `198.18.${number}.${host}` : `2001:2:0:${number.toString(16)}::${host}`;

const serviceOf = (ip: IpFamily, number: number): string => (ip === 'v4' ? `198.18.0.${number}` : `2001:2::${number}`);

type Role = HostPlan['role'];

interface NumberedLink extends Link {
  number: number;
  addresses: [string, string];
}

/** Pairs of neighbours, each once, in the order of the paths. */
function pairsOf(paths: readonly PathPlan[]): [string, string][] {
  const pairs = new Map<string, [string, string]>();
  for (const { client, boxes, servers } of paths) {
    const chain = [client, ...boxes];
    const neighbours = [
      ...chain.slice(1).map((name, index) => [chain[index] as string, name] as [string, string]),
      ...servers.map((name) => [chain.at(-1) as string, name] as [string, string]),
    ];
    for (const pair of neighbours) pairs.set(pair.join(' '), pair);
  }
  return [...pairs.values()];
}

function numberLinks(ip: IpFamily, pairs: readonly [string, string][], roleOf: (host: string) => Role): NumberedLink[] {
  const next = { ...FIRST } as { client: number; box: number; server: number };
  return pairs.map((ends): NumberedLink => {
    const [near, far] = ends.map(roleOf) as [Role, Role];
    const kind = near === 'client' ? 'client' : far === 'server' ? 'server' : 'box';
    const number = next[kind]++;
    // The middlebox has .1 on every link to a client or a server; between two boxes the one nearer to the servers has.
    const [first, second] = kind === 'server' ? [1, 2] : [2, 1];
    return {
      ends,
      network: networkOf(ip, number),
      number,
      addresses: [addressOf(ip, number, first as number), addressOf(ip, number, second as number)],
    };
  });
}

/** Ways on which a host reaches others: by the neighbour through which a path leads there. */
function routesOf(
  host: string,
  paths: readonly PathPlan[],
  links: readonly NumberedLink[],
  services: ReadonlyMap<string, string>,
  options: { ip: IpFamily; takes(box: string): boolean; hides(box: string): boolean },
): { to: string; through: string }[] {
  const found = new Map<string, string>();
  const own = new Set(links.filter(({ ends }) => ends.includes(host)).map(({ network }) => network));
  const linkBetween = (a: string, b: string) =>
    links.find(({ ends }) => ends.includes(a) && ends.includes(b)) as NumberedLink;
  for (const { client, boxes, servers } of paths) {
    const chains = servers.map((server) => [client, ...boxes, server]);
    for (const chain of chains) {
      const at = chain.indexOf(host);
      if (at < 0) continue;
      const learn = (network: string, through: string) => {
        if (!own.has(network) && !found.has(network)) found.set(network, through);
      };
      // Towards the servers: where connections are taken next, by a box in its service's name or by the server.
      const taker = chain.findIndex((name, index) => index > at && (index === chain.length - 1 || options.takes(name)));
      if (taker > at) {
        const service = services.get(chain[taker] as string);
        learn(
          service === undefined
            ? linkBetween(chain[taker - 1] as string, chain[taker] as string).network
            : `${service}/${WHOLE[options.ip]}`,
          chain[at + 1] as string,
        );
      }
      // Towards the client: whose addresses packets bear, up to the first box that puts its own in the place of its clients'.
      for (let far = at - 1; far >= 0; far--) {
        const hides = far > 0 && options.hides(chain[far] as string);
        if (far === 0 || hides)
          learn(linkBetween(chain[far] as string, chain[far + 1] as string).network, chain[at - 1] as string);
        if (hides) break;
      }
    }
  }
  return [...found].map(([to, through]) => ({ to, through }));
}

/** Derives the network of an act from its paths. Nobody behind a box that hides its clients has a route to them. */
export function topologyOf({ hosts, paths, ip }: Pick<ActPlan, 'hosts' | 'paths' | 'ip'>): Topology {
  const named = (is: (box: MiddleboxPlan) => boolean) =>
    new Set(hosts.flatMap((host) => (host.role === 'middlebox' && is(host) ? [host.name] : [])));
  const hiding = named(({ hidesClients }) => hidesClients);
  const taking = named(({ entrance }) => entrance);
  const options = { ip, takes: (box: string) => taking.has(box), hides: (box: string) => hiding.has(box) };
  const roles = new Map(hosts.map(({ name, role }) => [name, role]));
  const links = numberLinks(ip, pairsOf(paths), (name) => roles.get(name) as Role);
  const onPaths = new Set(paths.flatMap(hostsOnPath));
  const boxes = hosts.filter(({ name, role }) => role === 'middlebox' && onPaths.has(name));
  const services = new Map(boxes.map(({ name }, index) => [name, serviceOf(ip, index + 1)]));
  const nicsOf = (host: string): Nic[] => {
    const mine = links.filter(({ ends }) => ends.includes(host));
    return mine.map(({ ends, addresses }) => {
      const side = ends[0] === host ? 0 : 1;
      const peer = ends[1 - side] as string;
      const alone = mine.length === 1 && roles.get(host) !== 'middlebox';
      return { name: alone ? 'eth0' : peer, peer, address: addresses[side] as string, prefixLength: PREFIX[ip] };
    });
  };
  const nics = new Map([...onPaths].map((name) => [name, nicsOf(name)] as const));
  const neighbour = (host: string, peer: string): Nic => (nics.get(peer) ?? []).find((nic) => nic.peer === host) as Nic;
  return {
    ip,
    links: links.map(({ ends, network }) => ({ ends, network })),
    hosts: hosts
      .filter(({ name }) => onPaths.has(name))
      .map(({ name, role }): TopologyHost => {
        const service = services.get(name);
        const mine = nics.get(name) ?? [];
        return {
          name,
          nics: mine,
          ...(service === undefined ? {} : { service }),
          forwards: role === 'middlebox',
          routes: routesOf(name, paths, links, services, options).map(({ to, through }) => ({
            to,
            via: neighbour(name, through).address,
            nic: (mine.find(({ peer }) => peer === through) as Nic).name,
          })),
        };
      }),
  };
}
