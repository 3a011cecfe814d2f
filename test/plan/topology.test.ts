import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forkOf, type PathPlan, takersBehind } from '../../src/plan/paths.ts';
import type { ActPlan, HostPlan } from '../../src/plan/plan.ts';
import { type IpFamily, type Route, type Topology, topologyOf } from '../../src/plan/topology.ts';
import { neighbours, thereAndBack, walk } from '../helpers/walk.ts';

type Box = { entrance: boolean; hidesClients: boolean };
const BALANCER: Box = { entrance: true, hidesClients: false };
const PROXY: Box = { entrance: true, hidesClients: true };
const FIREWALL: Box = { entrance: false, hidesClients: false };
const NAT: Box = { entrance: false, hidesClients: true };

const box = (name: string, kind: Box): HostPlan => ({
  role: 'middlebox',
  name,
  profile: 'any',
  product: 'any',
  layer: 'L4',
  timers: { idleSeconds: 3 },
  productionTimers: { idleSeconds: 3 },
  refreshedBy: 'any-packet',
  playedBy: { conntrack: 'drop' },
  ...kind,
});

/** An act of these paths; what is no box is a client where a path begins and a server where one ends. */
function actOf(ip: IpFamily, boxes: Record<string, Box>, paths: PathPlan[]): ActPlan {
  const clients = [...new Set(paths.map(({ client }) => client))];
  const servers = [...new Set(paths.flatMap((path) => path.servers))];
  return {
    name: 'act',
    title: 'act',
    ip,
    hosts: [
      ...clients.map((name): HostPlan => ({ role: 'client', name, library: 'tcp', connections: 1 })),
      ...Object.entries(boxes).map(([name, kind]) => box(name, kind)),
      ...servers.map((name): HostPlan => ({ role: 'server', name, group: name.replace(/-\d+$/, ''), server: 'tcp' })),
    ],
    paths,
    tuning: {},
    productionTuning: {},
    productionQuietSeconds: 0,
    timeline: [],
    expect: [],
  };
}

const path = (client: string, boxes: string[], ...servers: string[]): PathPlan => ({ client, boxes, servers });
const addressOf = (topology: Topology, host: string, peer: string) =>
  topology.hosts.find(({ name }) => name === host)?.nics.find((nic) => nic.peer === peer)?.address as string;
const hostOf = (topology: Topology, name: string) => {
  const host = topology.hosts.find((each) => each.name === name);
  if (!host) throw new Error(`no ${name}`);
  return host;
};

/** What must be so of every act. */
function expectGoodRoutes(act: ActPlan): void {
  const topology = topologyOf(act);
  const used = new Set<Route>();
  for (const each of act.paths)
    for (const server of each.servers) {
      const chain = [each.client, ...each.boxes, server];
      const { there, back } = thereAndBack(act, topology, each, server, used);
      expect(there).toEqual(chain);
      expect(back).toEqual([...chain].reverse());
    }
  const addresses = topology.hosts.flatMap(({ nics, service }) => [...nics.map(({ address }) => address), service]);
  const own = addresses.filter((address) => address !== undefined);
  expect(new Set(own).size).toBe(own.length);
  expect(new Set(topology.links.map(({ network }) => network)).size).toBe(topology.links.length);
  for (const host of topology.hosts) {
    expect(host.forwards).toBe(act.hosts.find(({ name }) => name === host.name)?.role === 'middlebox');
    expect(new Set(host.nics.map(({ peer }) => peer))).toEqual(neighbours(act, host.name));
    // One way to each place, and none that nobody has taken.
    expect(new Set(host.routes.map(({ to }) => to)).size).toBe(host.routes.length);
    expect(host.routes.filter((route) => !used.has(route))).toEqual([]);
  }
}

const BOTH: IpFamily[] = ['v4', 'v6'];

describe.each(BOTH)('routes over IP%s', (ip) => {
  it('client and server on one link need none', () => {
    const act = actOf(ip, {}, [path('web', [], 'mq')]);
    const topology = topologyOf(act);
    expect(topology.hosts.map(({ routes }) => routes)).toEqual([[], []]);
    expect(topology.hosts.map(({ nics }) => nics.map(({ name }) => name))).toEqual([['eth0'], ['eth0']]);
    expectGoodRoutes(act);
  });

  it.each([1, 2, 3, 4])('lead there and back through %i boxes', (count) => {
    for (const kinds of [
      [BALANCER],
      [FIREWALL],
      [PROXY],
      [NAT],
      [FIREWALL, BALANCER, PROXY, NAT],
      [NAT, BALANCER, PROXY],
    ]) {
      const names = Array.from({ length: count }, (_, index) => `box-${index}`);
      const boxes = Object.fromEntries(names.map((name, index) => [name, kinds[index % kinds.length] as Box]));
      expectGoodRoutes(actOf(ip, boxes, [path('web', names, 'mq')]));
    }
  });

  it('lead through one box for two clients, each by a link of its own', () => {
    const act = actOf(ip, { nlb: BALANCER }, [
      path('web', ['nlb'], 'mq-1', 'mq-2'),
      path('batch', ['nlb'], 'mq-1', 'mq-2'),
    ]);
    expectGoodRoutes(act);
    const topology = topologyOf(act);
    expect(hostOf(topology, 'nlb').nics.map(({ name }) => name)).toEqual(['web', 'mq-1', 'mq-2', 'batch']);
    // Clients do not reach each other: nobody asked for that.
    expect(() => walk(topology, 'web', addressOf(topology, 'batch', 'nlb'))).toThrow(/no route/);
  });

  it('lead to one server from two boxes', () => {
    const act = actOf(ip, { nlb: BALANCER, proxy: PROXY }, [
      path('web', ['nlb'], 'mq'),
      path('batch', ['proxy'], 'mq'),
    ]);
    expectGoodRoutes(act);
    expect(hostOf(topologyOf(act), 'mq').nics.map(({ name }) => name)).toEqual(['nlb', 'proxy']);
  });

  it('lead nobody behind a NAT to its clients', () => {
    const act = actOf(ip, { nat: NAT, nlb: BALANCER }, [path('web', ['nat', 'nlb'], 'mq')]);
    expectGoodRoutes(act);
    const topology = topologyOf(act);
    for (const host of ['nlb', 'mq'])
      expect(() => walk(topology, host, addressOf(topology, 'web', 'nat'))).toThrow(/no route/);
    expect(walk(topology, 'mq', addressOf(topology, 'nat', 'nlb'))).toEqual(['mq', 'nlb', 'nat']);
  });

  it('lead through a box to two places, where it does not take connections', () => {
    const act = actOf(ip, { nat: NAT, nlb: BALANCER, proxy: PROXY }, [
      path('web', ['nat', 'nlb'], 'mq'),
      path('batch', ['nat', 'proxy'], 'db'),
    ]);
    expectGoodRoutes(act);
  });
});

it('addresses are of the blocks for benchmarks', () => {
  const paths = [path('web', ['fw', 'nlb'], 'mq-1', 'mq-2')];
  const boxes = { fw: FIREWALL, nlb: BALANCER };
  const addresses = (ip: IpFamily) =>
    topologyOf(actOf(ip, boxes, paths)).hosts.flatMap(({ nics, service }) =>
      [...nics.map(({ address }) => address), service ?? []].flat(),
    );
  for (const address of addresses('v4')) expect(address).toMatch(/^198\.18\.\d+\.\d+$/);
  for (const address of addresses('v6')) expect(address).toMatch(/^2001:2:/);
});

/** Paths in any number over boxes of any kind; each path takes boxes in one order, so that there is no circle. */
const acts = fc
  .record({
    ip: fc.constantFrom<IpFamily>('v4', 'v6'),
    kinds: fc.array(fc.constantFrom(BALANCER, PROXY, FIREWALL, NAT), { minLength: 1, maxLength: 6 }),
    routes: fc.array(
      fc.record({ passes: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), server: fc.nat({ max: 2 }) }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ ip, kinds, routes }) => {
    const boxes = Object.fromEntries(kinds.map((kind, index) => [`box-${index}`, kind]));
    const names = Object.keys(boxes);
    const takers = new Map<string, string>();
    const paths = routes.flatMap(({ passes, server }, index): PathPlan[] => {
      const chosen = names.filter((_, at) => passes[at]);
      const written = path(`client-${index}`, chosen, `server-${server}`);
      // A box that takes connections has one place for all of them (planning refuses the others).
      const taken = chosen
        .filter((name) => boxes[name]?.entrance)
        .map(
          (name) =>
            [
              name,
              takersBehind(
                written,
                name,
                Object.entries(boxes).map((each) => box(...each)),
              ).join(),
            ] as const,
        );
      if (taken.some(([name, to]) => (takers.get(name) ?? to) !== to)) return [];
      for (const [name, to] of taken) takers.set(name, to);
      return [written];
    });
    const onPath = new Set(paths.flatMap((each) => each.boxes));
    return { ip, paths, boxes: Object.fromEntries(Object.entries(boxes).filter(([name]) => onPath.has(name))) };
  })
  .filter(({ paths }) => paths.length > 0)
  .map(({ ip, boxes, paths }) => actOf(ip, boxes, paths));

it('on every path of any act that is not refused a packet finds its way there and back by the routes alone, and no host has another', () => {
  let played = 0;
  fc.assert(
    fc.property(acts, (act) => {
      if (forkOf(act.paths, act.hosts) !== undefined) return;
      played++;
      expectGoodRoutes(act);
    }),
    { numRuns: 400 },
  );
  // Most are not refused, or little has been said.
  expect(played).toBeGreaterThan(200);
});

it('what is refused has a path that no packet would take', () => {
  fc.assert(
    fc.property(acts, (act) => {
      if (forkOf(act.paths, act.hosts) !== undefined) expect(() => expectGoodRoutes(act)).toThrow();
    }),
    { numRuns: 400 },
  );
});
