import { appendFileSync, createWriteStream, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Container, ContainerCreateOptions } from 'dockerode';
import { extract } from 'tar-stream';
import type { ContainerRuntimeClient } from 'testcontainers';
import { now } from '../../base/clock.ts';
import { LabError, messageOf } from '../../base/errors.ts';
import {
  type ActPlan,
  boxesOf,
  type HostPlan,
  kindOf,
  type MiddleboxPlan,
  ownerOf,
  sysctlsOf,
} from '../../plan/plan.ts';
import { BOXES } from '../../stage/catalogue.ts';
import type { Lab, LabWatch, WatchOrder } from '../../stage/lab.ts';
import type { LostEvidence } from '../../stage/record.ts';
import { ContainerHost, type Place } from './container.ts';
import { type Hello, INSIDE } from './control.ts';
import { createNetwork, type LabNetwork } from './networks.ts';

// Hosts as containers on two networks, the middlebox on both:
//
//   pool 198.19.a.10 ──── clients ──── .2 balancer .2 ──── brokers ──── 198.19.b.10 mq-1
//                                                                       198.19.b.11 mq-2
//
// The networks are internal and the machine has no address on them, so no container has a route out, and none has one past
// the balancer. Only a network's own addresses pass there (where br_netfilter is on, the engine's rules see to that), so
// the balancer speaks to the brokers in its own name.
const BALANCER = 2;
const FIRST_HOST = 10;

/**
 * To cut links and forget sockets (NET_ADMIN), to see packets (NET_RAW) and what the kernel made of the programs' socket options (SYS_PTRACE, DAC_OVERRIDE), and to run
 * programs as a user without any rights.
 */
const RIGHTS = ['NET_ADMIN', 'NET_RAW', 'SYS_PTRACE', 'DAC_OVERRIDE', 'SETUID', 'SETGID', 'KILL'];

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

interface Wanted {
  plan: HostPlan;
  place: Place;
  networks: { network: LabNetwork; address: string }[];
  sysctls: Record<string, number>;
}

async function sysctlsFor(act: ActPlan, host: HostPlan): Promise<Record<string, number>> {
  if (host.role !== 'middlebox') return sysctlsOf(act.tuning[ownerOf(host)] ?? {});
  const { default: box } = await BOXES.load(kindOf(host));
  return { 'net.ipv4.ip_forward': 1, ...box.sysctls?.(host) };
}

async function wantedHosts(act: ActPlan, clients: LabNetwork, brokers: LabNetwork): Promise<Wanted[]> {
  const next = { client: FIRST_HOST, server: FIRST_HOST };
  return Promise.all(
    act.hosts.map(async (plan): Promise<Wanted> => {
      const sysctls = await sysctlsFor(act, plan);
      if (plan.role === 'middlebox') {
        const networks = [clients, brokers].map((network) => ({ network, address: network.address(BALANCER) }));
        const [inner, outer] = networks.map(({ address }) => address) as [string, string];
        const linkNames = { [inner]: 'clients', [outer]: 'brokers' };
        return {
          plan,
          place: { name: plan.name, address: inner, serviceAddress: inner, linkNames },
          networks,
          sysctls,
        };
      }
      const network = plan.role === 'client' ? clients : brokers;
      const address = network.address(next[plan.role]++);
      return {
        plan,
        place: { name: plan.name, address, serviceAddress: undefined, linkNames: {} },
        networks: [{ network, address }],
        sysctls,
      };
    }),
  );
}

function createOptions(
  { image, name, labels }: LabOptions,
  { plan, networks, sysctls }: Wanted,
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
      CapAdd: RIGHTS,
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

/** Packets that a host sends or that are for it end at the balancer. */
const cutRules = (address: string) => `table inet cut-${address.replaceAll('.', '-')} {
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
    const created = await Promise.allSettled(
      ['clients', 'brokers'].map((net) => createNetwork(client, `${name}-${net}`, labels)),
    );
    const networks = created.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const hosts: ContainerHost[] = [];
    try {
      const failed = created.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      const [clients, brokers] = networks as [LabNetwork, LabNetwork];
      const wanted = await wantedHosts(act, clients, brokers);
      // All of them are waited for, so that none comes into being after the others were taken down.
      const greetings = await Promise.allSettled(
        wanted.map(async (host) => (await startHost(options, host, hosts)).ready()),
      );
      const silent = greetings.find((result) => result.status === 'rejected');
      if (silent) throw silent.reason;
      const [hello] = greetings.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])) as [Hello];
      const order = new Map(wanted.map(({ plan }, index) => [plan.name, index]));
      hosts.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
      const balancer = hosts.find((host) => host.name === (boxesOf(act)[0] as MiddleboxPlan).name) as ContainerHost;
      for (const host of hosts) if (host !== balancer) host.pullCable = cable(balancer, host.address);
      return new DockerLab(hosts, networks, hello, await balancer.clockAhead());
    } catch (error) {
      await takeDown(hosts, networks);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await takeDown([...this.hosts.values()], this.#networks);
  }
}

const cable = (balancer: ContainerHost, address: string) => async (up: boolean) => {
  if (up)
    await balancer.run('nft', ['delete', 'table', 'inet', `cut-${address.replaceAll('.', '-')}`], { privileged: true });
  else await balancer.run('nft', ['-f', '-'], { input: cutRules(address), privileged: true });
};

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
