import { appendFileSync, createWriteStream, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Container, ContainerCreateOptions } from 'dockerode';
import { extract } from 'tar-stream';
import type { ContainerRuntimeClient } from 'testcontainers';
import { now } from '../../base/clock.ts';
import { LabError, messageOf } from '../../base/errors.ts';
import { type ActPlan, actionsOf, boxesOf, type HostPlan, kindOf, ownerOf, sysctlsOf } from '../../plan/plan.ts';
import { BOXES } from '../../stage/catalogue.ts';
import type { Lab, LabWatch, WatchOrder } from '../../stage/lab.ts';
import type { LostEvidence } from '../../stage/record.ts';
import { ContainerHost, type Place } from './container.ts';
import { type Hello, INSIDE } from './control.ts';
import { networksOf, type SharedNetwork } from './graph.ts';
import { createNetwork, type LabNetwork } from './networks.ts';

// Hosts as containers, on the networks of graph.ts:
//
//   pool 198.19.a.10 ──── a ──── .2 balancer .2 ──── b ──── 198.19.b.10 mq-1
//                                                           198.19.b.11 mq-2
//
// The networks are internal and the machine has no address on them, so no container has a route out, and none has one past
// a box. Only a network's own addresses pass there (where br_netfilter is on, the engine's rules see to that), so a box
// speaks to what stands behind it in its own name.
const FIRST_BOX = 2;
const FIRST_HOST = 10;

/**
 * To see packets (NET_RAW) and what the kernel made of the programs' socket options (SYS_PTRACE, DAC_OVERRIDE), and to run
 * programs as a user without any rights.
 */
const RIGHTS = ['NET_RAW', 'SYS_PTRACE', 'DAC_OVERRIDE', 'SETUID', 'SETGID', 'KILL'];
/** Of a box, which sets rules, and of who will lose its sockets at once (LabHost.dropSockets). */
const NETWORK_RIGHTS = [...RIGHTS, 'NET_ADMIN'];

/** Far more than a host of a scenario needs, and little enough for this machine to go on should a program run wild. */
const MEMORY_BYTES = 1024 ** 3;
const PROCESSES = 512;

export interface LabOptions {
  client: ContainerRuntimeClient;
  image: string;
  /** Beginning of all names. */
  name: string;
  labels: Record<string, string>;
}

interface Joined {
  network: LabNetwork;
  address: string;
  /** The other hosts that it speaks to there. */
  peers: string[];
}

interface Wanted {
  plan: HostPlan;
  place: Place;
  networks: Joined[];
  changesNetwork: boolean;
  sysctls: Record<string, number>;
}

async function sysctlsFor(act: ActPlan, host: HostPlan): Promise<Record<string, number>> {
  if (host.role !== 'middlebox') return sysctlsOf(act.tuning[ownerOf(host)] ?? {});
  const { default: box } = await BOXES.load(kindOf(host));
  return { 'net.ipv4.ip_forward': 1, ...box.sysctls?.(host) };
}

/** Whether its sockets will be lost at once. */
const losesPower = ({ timeline }: ActPlan, host: HostPlan): boolean =>
  timeline
    .flatMap(actionsOf)
    .some(({ host: name, takesAway }) => takesAway === 'peer' && (name === host.name || name === ownerOf(host)));

/** Whether it cuts links: those of its own, and of those neighbours that cannot. */
const cutsLinks = ({ paths }: ActPlan, { role, name }: HostPlan): boolean =>
  role === 'middlebox' || paths.some(({ client, boxes }) => client === name && boxes.length === 0);

/** Who is where, in the order of the act's hosts. */
async function wantedHosts(
  act: ActPlan,
  networks: readonly { network: LabNetwork; shared: SharedNetwork }[],
): Promise<Wanted[]> {
  const boxes = new Set(boxesOf(act).map(({ name }) => name));
  const addresses = networks.map(({ network, shared }) => {
    const next = { box: FIRST_BOX, host: FIRST_HOST };
    return new Map(
      [...shared.far, ...shared.near].map((name) => [name, network.address(next[boxes.has(name) ? 'box' : 'host']++)]),
    );
  });
  const wanted = act.hosts.map(async (plan): Promise<Wanted | undefined> => {
    const joined = networks.flatMap(({ network, shared }, index): (Joined & { front: boolean })[] => {
      const address = addresses[index]?.get(plan.name);
      const front = shared.far.includes(plan.name);
      return address === undefined ? [] : [{ network, address, peers: front ? shared.near : shared.far, front }];
    });
    // Where it takes connections comes first.
    joined.sort((a, b) => Number(b.front) - Number(a.front));
    const [first] = joined;
    if (first === undefined) return undefined;
    const linkName = ({ peers, front }: { peers: string[]; front: boolean }) =>
      peers.length === 1 ? (peers[0] as string) : front ? 'clients' : 'servers';
    return {
      plan,
      place: {
        name: plan.name,
        addresses: joined.map(({ address }) => address),
        serviceAddress: plan.role === 'middlebox' ? first.address : undefined,
        towards: Object.fromEntries(joined.flatMap(({ peers, address }) => peers.map((peer) => [peer, address]))),
        linkNames: plan.role === 'middlebox' ? Object.fromEntries(joined.map((at) => [at.address, linkName(at)])) : {},
      },
      networks: joined,
      changesNetwork: cutsLinks(act, plan) || losesPower(act, plan),
      sysctls: await sysctlsFor(act, plan),
    };
  });
  return (await Promise.all(wanted)).filter((host) => host !== undefined);
}

function createOptions(
  { image, name, labels }: LabOptions,
  { plan, networks, sysctls, changesNetwork }: Wanted,
): ContainerCreateOptions {
  const [first] = networks as [Wanted['networks'][0]];
  return {
    name: `${name}-${plan.name}`,
    Hostname: plan.name,
    Image: image,
    Labels: labels,
    OpenStdin: true,
    // When whoever gave the orders is gone, its standard input ends, and with it the container.
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Volumes: { [INSIDE.evidence]: {} },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: first.network.name,
      LogConfig: { Type: 'none', Config: {} },
      CapDrop: ['ALL'],
      CapAdd: changesNetwork ? NETWORK_RIGHTS : RIGHTS,
      SecurityOpt: ['no-new-privileges'],
      // What is written goes to memory, but for the evidence, which is copied out and so lies in a volume of the container's.
      ReadonlyRootfs: true,
      Tmpfs: { [INSIDE.lab]: 'rw,nosuid,nodev,mode=1777,size=256m', '/tmp': 'rw,nosuid,nodev,mode=1777,size=64m' },
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      PidsLimit: PROCESSES,
      Sysctls: Object.fromEntries(Object.entries(sysctls).map(([key, value]) => [key, String(value)])),
    },
    NetworkingConfig: { EndpointsConfig: { [first.network.name]: { IPAMConfig: { IPv4Address: first.address } } } },
  };
}

/** Copies what a container's folder holds; a stream would not do, for the engine may cut a long one. */
async function copyOut(
  container: Container,
  folder: string,
  take: (name: string, content: Readable) => Promise<void>,
): Promise<void> {
  const archive = (await container.getArchive({ path: folder })) as unknown as Readable;
  const reader = extract();
  reader.on('entry', (header, content, next) => {
    if (header.type !== 'file') {
      content.resume();
      content.on('end', next);
      return;
    }
    take(basename(header.name), content as unknown as Readable).then(
      () => next(),
      (error: unknown) => reader.destroy(error as Error),
    );
  });
  await pipeline(archive, reader);
}

/** The watch over all hosts of an act: each watches itself, and what it saw is copied out when the watch ends. */
class ContainerWatch implements LabWatch {
  readonly died: Promise<never>;
  /** Of all hosts' processes together, MB. */
  memoryMb = 0;
  readonly #hosts: readonly ContainerHost[];
  #order: WatchOrder | undefined;

  constructor(hosts: readonly ContainerHost[]) {
    this.#hosts = hosts;
    this.died = Promise.race(hosts.map(({ died }) => died));
    this.died.catch(() => {});
  }

  async start(order: WatchOrder): Promise<void> {
    this.#order = order;
    await Promise.all(
      this.#hosts.map((host) => {
        const capture = order.hosts.find(({ name }) => name === host.name)?.capture as string;
        return host.watch({
          ...order,
          folder: INSIDE.evidence,
          hosts: [{ name: host.name, capture: join(INSIDE.evidence, basename(capture)) }],
        });
      }),
    );
  }

  attend(): void {
    for (const host of this.#hosts) host.attend();
  }

  park(): void {}

  async unpark(): Promise<void> {}

  async stop(): Promise<LostEvidence> {
    const order = this.#order;
    if (!order) return { frames: [], flowEvents: false };
    const all = await Promise.allSettled(this.#hosts.map((host) => this.#collect(host, order)));
    const failed = all.find((result) => result.status === 'rejected');
    // Whoever died has told so by `died`; what the others saw is there.
    if (failed && all.every(({ status }) => status === 'rejected')) throw failed.reason;
    const lost = all.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return {
      frames: [
        ...lost.flatMap(({ frames }) => frames),
        ...all.flatMap(({ status }, index) =>
          status === 'rejected' ? [`all frames on ${this.#hosts[index]?.name}`] : [],
        ),
      ],
      flowEvents: lost.some(({ flowEvents }) => flowEvents),
    };
  }

  async #collect(host: ContainerHost, order: WatchOrder): Promise<LostEvidence> {
    const { lost, memoryMb } = await host.unwatch();
    this.memoryMb += memoryMb;
    await copyOut(host.container, INSIDE.evidence, async (name, content) => {
      const target = join(order.folder, name);
      if (name !== order.socketsFile && name !== order.flowsFile) return pipeline(content, createWriteStream(target));
      // Rows of several hosts share a file: only whole pieces are added to it.
      const piece = `${target}.${host.name}`;
      await pipeline(content, createWriteStream(piece));
      appendFileSync(target, readFileSync(piece));
      rmSync(piece);
    });
    return lost;
  }
}

const tableFor = (address: string): string => `cut-${address.replaceAll('.', '-')}`;

/** On a host that is cut off. */
const CUT_ALL = `table inet cut {
  chain from {
    type filter hook prerouting priority -400
    iif != "lo" drop
  }
  chain to {
    type filter hook postrouting priority 400
    oif != "lo" drop
  }
}
`;

/** On a neighbour of a host that is cut off: packets that the host sends, or that are for it, end here. */
const cutRules = (address: string) => `table inet ${tableFor(address)} {
  chain from {
    type filter hook prerouting priority -400
    ip saddr ${address} drop
  }
  chain to {
    type filter hook postrouting priority 400
    ip daddr ${address} drop
  }
}
`;

export class DockerLab implements Lab {
  readonly folder: string = INSIDE.lab;
  readonly hosts: ReadonlyMap<string, ContainerHost>;
  readonly watch: ContainerWatch;
  readonly hz: number;
  readonly versions: Record<string, string>;
  readonly #networks: readonly LabNetwork[];
  readonly #aheadSeconds: number;

  private constructor(
    hosts: readonly ContainerHost[],
    networks: readonly LabNetwork[],
    hello: Hello,
    aheadSeconds: number,
  ) {
    this.hosts = new Map(hosts.map((host) => [host.name, host]));
    this.watch = new ContainerWatch(hosts);
    this.#networks = networks;
    this.#aheadSeconds = aheadSeconds;
    this.hz = hello.hz;
    this.versions = { kernel: hello.kernel, node: hello.node };
  }

  get memoryMb(): number {
    return this.watch.memoryMb;
  }

  now(): number {
    return now() + this.#aheadSeconds;
  }

  host(name: string): ContainerHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name} in this lab`);
    return host;
  }

  /** @throws LabError NO_NETWORK, NO_CONNTRACK, ENGINE_DIED */
  static async up(act: ActPlan, options: LabOptions): Promise<DockerLab> {
    const { client, name, labels } = options;
    if (act.ip !== 'v4')
      throw new LabError(
        'WRONG_KERNEL',
        `the act ${act.name} is about IPv6, and networks of containers are of IPv4 here`,
        'add --engine virtual or --engine netns',
      );
    const graph = networksOf(act);
    const created = await Promise.allSettled(
      graph.map(({ far }) => createNetwork(client, `${name}-to-${far[0]}`, labels)),
    );
    const networks = created.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const hosts: ContainerHost[] = [];
    try {
      const failed = created.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      const wanted = await wantedHosts(
        act,
        networks.map((network, index) => ({ network, shared: graph[index] as SharedNetwork })),
      );
      // All of them are waited for, so that none comes into being after the others were taken down.
      const greetings = await Promise.allSettled(
        wanted.map(async (host) => (await startHost(options, host, hosts)).ready()),
      );
      const silent = greetings.find((result) => result.status === 'rejected');
      if (silent) throw silent.reason;
      const [hello] = greetings.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])) as [Hello];
      const order = new Map(wanted.map(({ plan }, index) => [plan.name, index]));
      hosts.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
      const lab = (name: string) => hosts.find((host) => host.name === name) as ContainerHost;
      const cutters = new Map(
        wanted.filter(({ plan }) => cutsLinks(act, plan)).map(({ plan: { name } }) => [name, lab(name)]),
      );
      for (const { plan, networks: joined } of wanted) {
        const self = cutters.get(plan.name);
        const ends = self
          ? [{ at: self, rules: CUT_ALL, table: 'cut' }]
          : joined.flatMap(({ peers, address }) =>
              peers.flatMap((peer) => {
                const at = cutters.get(peer);
                return at ? [{ at, rules: cutRules(address), table: tableFor(address) }] : [];
              }),
            );
        lab(plan.name).pullCable = cable(ends);
      }
      return new DockerLab(hosts, networks, hello, await (hosts[0] as ContainerHost).clockAhead());
    } catch (error) {
      await takeDown(hosts, networks);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await takeDown([...this.hosts.values()], this.#networks);
  }
}

/** Cuts and mends a host's links. @param ends where that is done, on itself or its neighbours, and the rules that cut there */
function cable(ends: readonly { at: ContainerHost; rules: string; table: string }[]): (up: boolean) => Promise<void> {
  let isUp = true;
  return async (up) => {
    if (up === isUp) return;
    isUp = up;
    const nft = (at: ContainerHost, rules: string) => at.run('nft', ['-f', '-'], { input: rules, privileged: true });
    await Promise.all(ends.map(({ at, rules, table }) => nft(at, up ? `delete table inet ${table}\n` : rules)));
  };
}

async function startHost(options: LabOptions, wanted: Wanted, hosts: ContainerHost[]): Promise<ContainerHost> {
  const { client } = options;
  try {
    const container = await client.container.create(createOptions(options, wanted));
    for (const { network, address } of wanted.networks.slice(1))
      await network.network.connect({
        Container: container.id,
        EndpointConfig: { IPAMConfig: { IPv4Address: address } },
      });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const host = new ContainerHost(wanted.place, container, stream as unknown as import('node:stream').Duplex);
    hosts.push(host);
    await client.container.start(container);
    return host;
  } catch (error) {
    if (error instanceof LabError) throw error;
    if (/no such image/i.test(messageOf(error)))
      throw new LabError(
        'BUILD_FAILED',
        `the container engine has no image ${options.image}`,
        'docker pull it, or unset IDLELAB_IMAGE: then the image is built',
        error,
      );
    const conntrack = /nf_conntrack/.test(messageOf(error));
    throw new LabError(
      conntrack ? 'NO_CONNTRACK' : 'NO_NETWORK',
      `the container engine could not start ${wanted.plan.name}: ${messageOf(error)}`,
      conntrack
        ? 'the engine’s kernel has no connection tracking loaded: modprobe nf_conntrack (as root, where the engine runs)'
        : 'the message tells what the engine or its kernel refused',
      error,
    );
  }
}

/** Errors are left to the guard and to the next start: nothing more can be done here. */
async function takeDown(hosts: readonly ContainerHost[], networks: readonly LabNetwork[]): Promise<void> {
  for (const host of hosts) host.expectEnd();
  await Promise.allSettled(hosts.map(({ container }) => container.remove({ force: true, v: true })));
  await Promise.allSettled(networks.map(({ network }) => network.remove()));
}
