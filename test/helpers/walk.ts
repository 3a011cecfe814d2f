// Walks packets through a topology by its routes alone, as kernels would: what is on a link goes there, all else by the
// longest prefix.
import ipaddr from 'ipaddr.js';
import { behind, type PathPlan } from '../../src/plan/paths.ts';
import type { ActPlan, MiddleboxPlan } from '../../src/plan/plan.ts';
import type { Route, Topology, TopologyHost } from '../../src/plan/topology.ts';

const contains = (network: string, address: string): number | undefined => {
  const [base, length] = ipaddr.parseCIDR(network);
  const parsed = ipaddr.parse(address);
  return parsed.kind() === base.kind() && parsed.match(base, length) ? length : undefined;
};

const hostCalled = ({ hosts }: Topology, name: string): TopologyHost => {
  const host = hosts.find((each) => each.name === name);
  if (!host) throw new Error(`no host ${name}`);
  return host;
};

/** Whether an address is a host's own. */
const isOf = (host: TopologyHost, address: string): boolean =>
  host.service === address || host.nics.some((nic) => nic.address === address);

export interface Hop {
  to: string;
  /** The route that it took; undefined on a link of the host's own. */
  route?: Route;
}

/** Where a host sends a packet. @throws Error where it has no way */
export function nextHop(topology: Topology, from: string, address: string): Hop {
  const host = hostCalled(topology, from);
  const link = host.nics.find((nic) => contains(`${nic.address}/${nic.prefixLength}`, address) !== undefined);
  if (link) return { to: link.peer };
  const [route] = host.routes
    .map((each) => ({ each, length: contains(each.to, address) }))
    .filter(({ length }) => length !== undefined)
    .sort((a, b) => (b.length as number) - (a.length as number));
  const nic = route && host.nics.find(({ name }) => name === route.each.nic);
  if (!route || !nic) throw new Error(`${from} has no route to ${address}`);
  const neighbour = hostCalled(topology, nic.peer);
  if (!neighbour.nics.some((each) => each.peer === from && each.address === route.each.via))
    throw new Error(`${from} sends to ${route.each.via}, which is not ${nic.peer}’s`);
  return { to: nic.peer, route: route.each };
}

const MOST_HOPS = 64;

/** The hosts that a packet passes, the last of them being the one whose address it bears. */
export function walk(topology: Topology, from: string, address: string, used: Set<Route> = new Set()): string[] {
  const hops = [from];
  while (!isOf(hostCalled(topology, hops.at(-1) as string), address)) {
    const here = hops.at(-1) as string;
    if (hops.length > 1 && !hostCalled(topology, here).forwards) throw new Error(`${here} passes nothing on`);
    const { to, route } = nextHop(topology, here, address);
    if (route) used.add(route);
    hops.push(to);
    if (hops.length > MOST_HOPS) throw new Error(`a circle: ${hops.join(' ')}`);
  }
  return hops;
}

const addressTowards = (topology: Topology, host: string, neighbour: string): string =>
  hostCalled(topology, host).nics.find(({ peer }) => peer === neighbour)?.address as string;

/** Where connections go that leave a host: the next box that takes them, or the server itself. */
function targetBehind(act: ActPlan, topology: Topology, path: PathPlan, host: string, server: string) {
  const chain = [path.client, ...path.boxes, server];
  for (let at = chain.indexOf(host) + 1; at < chain.length; at++) {
    const name = chain[at] as string;
    if (name === server) return { name, address: addressTowards(topology, name, chain[at - 1] as string) };
    const box = act.hosts.find((each) => each.name === name) as MiddleboxPlan;
    if (box.entrance) return { name, address: hostCalled(topology, name).service as string };
  }
  throw new Error('no server');
}

/**
 * Sends a packet from the client of a path to one of its servers, and an answer back, as boxes translate them.
 * @returns the hosts that each passed
 */
export function thereAndBack(
  act: ActPlan,
  topology: Topology,
  path: PathPlan,
  server: string,
  used: Set<Route>,
): { there: string[]; back: string[] } {
  const boxOf = (name: string) =>
    act.hosts.find((each): each is MiddleboxPlan => each.role === 'middlebox' && each.name === name);
  const there = [path.client];
  /** The sources that a packet bore, each from the host that wrote it in. */
  const sources = [{ by: path.client, address: '' }];
  let from = path.client;
  while (from !== server) {
    const target = targetBehind(act, topology, path, from, server);
    const hops = walk(topology, from, target.address, used);
    for (const [index, name] of hops.entries()) {
      const next = hops[index + 1];
      const hides = name === path.client || boxOf(name)?.hidesClients;
      // A box that takes connections writes its source when it sends to what is behind it.
      if (next === undefined || !hides) continue;
      const source = { by: name, address: addressTowards(topology, name, next) };
      if (name === path.client) sources[0] = source;
      else if (index > 0 || name === from) sources.push(source);
    }
    there.push(...hops.slice(1));
    from = target.name;
  }
  const back = [server];
  for (const { by, address } of [...sources].reverse()) {
    const hops = walk(topology, back.at(-1) as string, address, used);
    if (hops.at(-1) !== by) throw new Error(`an answer for ${by} came to ${hops.at(-1)}`);
    back.push(...hops.slice(1));
  }
  return { there, back };
}

/** The hosts that share a link with a host. */
export const neighbours = (act: ActPlan, host: string): Set<string> =>
  new Set([
    ...behind(act.paths, host),
    ...act.hosts.map(({ name }) => name).filter((name) => behind(act.paths, name).includes(host)),
  ]);
