import { type ChildProcess, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { basename, join } from 'node:path';
import { now } from '../../base/clock.ts';
import { LabError, messageOf } from '../../base/errors.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import { flowTable, forgetFlows } from '../../linux/ctnetlink.ts';
import { closeNamespace, inNamespace, interfaceIndex, kernelHz, newNamespace } from '../../linux/libc.ts';
import { CAP, withCapabilities } from '../../linux/rights.ts';
import {
  addAddress,
  addNeighbour,
  addRoute,
  addVeth,
  routeTable,
  setLink,
  setLinkAddress,
  withoutLinkLocal,
} from '../../linux/rtnetlink.ts';
import type { ActPlan } from '../../plan/plan.ts';
import { type Topology, type TopologyHost, topologyOf } from '../../plan/topology.ts';
import { askSocket } from '../../stage/ask.ts';
import { dropSockets } from '../../stage/drop-sockets.ts';
import type { Ground } from '../../stage/ground.ts';
import {
  type Impairment,
  type Lab,
  type LabHost,
  LabProcess,
  type LabWatch,
  type RunOptions,
  type SeenRoute,
  type SeenSocket,
  type SpawnOptions,
} from '../../stage/lab.ts';
import { lookAtSockets } from '../../stage/look.ts';
import { toItsEnd } from '../../stage/to-its-end.ts';
import { Watcher } from '../../stage/watch/watcher.ts';
import type { Program } from '../../talk/programs.ts';
import { addressBytes } from '../../wire/address.ts';
import type { Flow } from '../../wire/flows.ts';
import { HostView, labEnvironment } from './view.ts';
import { Wires } from './wire.ts';

// Hosts as network namespaces, joined by veth pairs as the act's paths want it (plan/topology): each link has a subnet of its
// own, and a host has exactly the routes that its paths need.
//
//   web 198.18.10.2 ──── .10.1 nat .60.2 ──── .60.1 nlb .101.1 ──── 198.18.101.2 mq-1
//                                                       .102.1 ──── 198.18.102.2 mq-2
//
// There is no other link and no route out of the enclosing namespace. Each host has files and processes of its own as well
// (view.ts): its programs reach another host by its network, and this machine not at all.

/** What programs need that set rules or send packets of their own making. */
const NETWORK_RIGHTS = [CAP.netAdmin, CAP.netRaw];

/** Where an IPv6 address of the lab is on its link: locally administered, told by its network and host (plan/topology). */
function linkAddressOf(address: string): Buffer {
  const bytes = addressBytes(address) as Buffer;
  return Buffer.from([2, 0, 0, ...bytes.subarray(6, 8), bytes[15] as number]);
}

class NetnsHost implements LabHost {
  readonly name: string;
  readonly address: string;
  readonly addresses: readonly string[];
  readonly serviceAddress: string | undefined;
  interfaces: ReadonlyMap<number, string> = new Map();
  gone = false;
  frozen = false;
  readonly passesForeignAddresses = true;
  /** What cuts and mends each of its links. */
  readonly cables: ((up: boolean) => void)[] = [];
  readonly #wires: Wires;
  /** By link, the address at its other end. */
  readonly #neighbours: ReadonlyMap<string, string>;
  /** A path that opens its network namespace (setns(2)), for those who watch it. */
  readonly namespace: string;
  readonly #namespace: number;
  readonly #topology: TopologyHost;
  readonly #processes = new Set<LabProcess>();
  readonly #folder: string;
  readonly #place: HostView;

  /** @param place `folder`: the scratch folder on it; `wires`: those of the lab */
  constructor(
    topology: TopologyHost,
    place: { folder: string; view: HostView; wires: Wires; neighbours: ReadonlyMap<string, string> },
  ) {
    const { name, nics, service } = topology;
    this.#folder = place.folder;
    this.#place = place.view;
    this.#wires = place.wires;
    this.#neighbours = place.neighbours;
    this.#topology = topology;
    this.name = name;
    this.addresses = [...nics.map(({ address }) => address), ...(service === undefined ? [] : [service])];
    this.address = this.addresses[0] ?? '';
    this.serviceAddress = service;
    this.#namespace = newNamespace();
    this.namespace = `/proc/${process.pid}/fd/${this.#namespace}`;
  }

  addressTowards(neighbour: string): string {
    return this.#topology.nics.find(({ peer }) => peer === neighbour)?.address ?? this.address;
  }

  learnInterfaces(): void {
    this.interfaces = inNamespace(
      this.#namespace,
      () => new Map(['lo', ...this.#topology.nics.map(({ name }) => name)].map((link) => [interfaceIndex(link), link])),
    );
  }

  #start(program: string, args: readonly string[], { input, privileged = false }: SpawnOptions): ChildProcess {
    const start = () =>
      spawn(program, args, { stdio: [input ?? 'ignore', 'pipe', 'pipe'], cwd: '/run', env: labEnvironment() });
    return inNamespace(this.#namespace, () =>
      this.#place.enter(() => (privileged ? withCapabilities(NETWORK_RIGHTS, start) : start())),
    );
  }

  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): LabProcess {
    const started = new LabProcess(
      options.as ?? `${program} on ${this.name}`,
      this.#start(program, args, options),
      options,
    );
    this.#processes.add(started);
    void started.ended.then(() => this.#processes.delete(started));
    return started;
  }

  spawnModule(module: Program, args: readonly string[], options?: SpawnOptions): LabProcess {
    return this.spawn(
      process.execPath,
      [...process.execArgv, join(codeRoot, module + moduleExtension), ...args],
      options,
    );
  }

  run(program: string, args: readonly string[], { input, privileged = false }: RunOptions = {}): Promise<string> {
    const child = this.#start(program, args, { input: input === undefined ? 'ignore' : 'pipe', privileged });
    return toItsEnd(child, input, `${program} ${args.join(' ')} on ${this.name}`);
  }

  /** Its programs see their own scratch folder only. */
  place(file: string): Promise<string> {
    const there = join(this.#folder, basename(file));
    copyFileSync(file, this.#place.path(there));
    return Promise.resolve(there);
  }

  placeText(name: string, text: string): Promise<string> {
    const there = join(this.#folder, name);
    writeFileSync(this.#place.path(there), text);
    return Promise.resolve(there);
  }

  ask(socketFile: string, question: string): Promise<string> {
    return askSocket(this.#place.path(socketFile), question);
  }

  async setSysctl(name: string, value: string | number): Promise<void> {
    const file = `/proc/sys/${name.replaceAll('.', '/')}`;
    try {
      inNamespace(this.#namespace, () => writeFileSync(file, String(value)));
    } catch (error) {
      const conntrack = name.includes('nf_conntrack');
      throw new LabError(
        conntrack ? 'NO_CONNTRACK' : 'NO_NETWORK',
        `cannot set ${name} = ${value} on ${this.name}: ${messageOf(error)}`,
        conntrack
          ? 'this kernel has no connection tracking loaded: modprobe nf_conntrack nf_nat nf_tables (as root), or take a kernel that has it'
          : 'the kernel does not offer this setting inside a network namespace',
        error,
      );
    }
  }

  async procNet(file: string): Promise<string | undefined> {
    return inNamespace(this.#namespace, () => {
      const path = `/proc/thread-self/net/${file}`;
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    });
  }

  async setLinks(up: boolean): Promise<void> {
    for (const set of this.cables) set(up);
  }

  dropSockets(): Promise<void> {
    return dropSockets(
      (rules) => this.run('nft', ['-f', '-'], { input: rules, privileged: true }),
      (work) => inNamespace(this.#namespace, work),
    );
  }

  async forgetFlows(): Promise<void> {
    inNamespace(this.#namespace, forgetFlows);
  }

  impair(impairment: Impairment): Promise<void> {
    return this.#wires.impair(this.name, impairment);
  }

  unimpair(): Promise<void> {
    return this.#wires.unimpair(this.name);
  }

  routes(): Promise<SeenRoute[]> {
    const seen = inNamespace(this.#namespace, routeTable);
    return Promise.resolve(seen.map(({ to, via, interface: index }) => ({ to, via, nic: this.interfaces.get(index) })));
  }

  /** Joins this host to another, by a wire where packets are to be lost or delayed between them. */
  link(name: string, other: NetnsHost, otherName: string, wires: Wires | undefined): void {
    const near = { host: this.name, namespace: this.#namespace, link: name };
    const far = { host: other.name, namespace: other.#namespace, link: otherName };
    if (wires !== undefined) {
      const set = wires.lay(near, far);
      this.cables.push((up) => set(this.name, up));
      other.cables.push((up) => set(other.name, up));
      return;
    }
    addVeth({ name, namespace: this.#namespace }, { name: otherName, namespace: other.#namespace });
    // Pulled at the other host's end: this one sees its carrier go and keeps its routes, as with a real cable.
    this.cables.push((up) => other.pull(otherName, up));
    other.cables.push((up) => this.pull(name, up));
  }

  /** Takes one of its links down or up. */
  pull(link: string, up: boolean): void {
    inNamespace(this.#namespace, () => {
      setLink(interfaceIndex(link), up);
      // They went with the link; the one to its own network comes back by itself.
      if (up) this.#addRoutes(link);
    });
  }

  /** Gives links their addresses and takes them up, with the loopback. */
  configure(): void {
    const { nics, service } = this.#topology;
    inNamespace(this.#namespace, () => {
      setLink(interfaceIndex('lo'), true);
      if (service !== undefined) addAddress(interfaceIndex('lo'), service, isIPv6(service) ? 128 : 32);
      for (const { name, address, prefixLength } of nics) {
        const index = interfaceIndex(name);
        withoutLinkLocal(index);
        if (isIPv6(address)) {
          setLinkAddress(index, linkAddressOf(address));
          // As under IPv4.
          writeFileSync(`/proc/sys/net/ipv6/conf/${name}/keep_addr_on_down`, '1');
        }
        addAddress(index, address, prefixLength);
        setLink(index, true);
      }
    });
  }

  /** Once all links are up. */
  learnRoutes(): void {
    inNamespace(this.#namespace, () => {
      for (const { name } of this.#topology.nics) this.#addRoutes(name);
    });
  }

  /**
   * In its namespace: gives a link that is up the routes that lead through it. Under IPv6 neighbours are known beforehand: a
   * host hears questions for it some time after its link is up, up to a second, and packets would wait for that.
   */
  #addRoutes(link: string): void {
    const neighbour = this.#neighbours.get(link);
    if (neighbour !== undefined && isIPv6(neighbour))
      addNeighbour(interfaceIndex(link), neighbour, linkAddressOf(neighbour));
    for (const { to, via, nic } of this.#topology.routes) if (nic === link) addRoute(to, via);
  }

  sockets(): Promise<{ time: number; sockets: SeenSocket[] }> {
    const pids = [...this.#processes].flatMap(({ child: { pid } }) => (pid === undefined ? [] : [pid]));
    return Promise.resolve({ time: now(), sockets: inNamespace(this.#namespace, () => lookAtSockets(pids)) });
  }

  flows(): Promise<Flow[]> {
    return Promise.resolve(inNamespace(this.#namespace, flowTable));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((running) => running.stop('SIGKILL')));
    this.#place[Symbol.dispose]();
    closeNamespace(this.#namespace);
  }
}

interface UpOptions {
  watcher: Watcher;
  /** Hosts on whose links packets may be lost, doubled and delayed. */
  impairable?: readonly string[];
}

const NFT_OPTIONS: SpawnOptionsWithoutStdio = { cwd: '/run', env: labEnvironment() };

export class NetnsLab implements Lab {
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, NetnsHost>;
  readonly watch: LabWatch;
  readonly now: () => number = now;
  readonly hz: number = kernelHz();

  /** The namespace of its wires. */
  readonly #between: number;

  private constructor(
    folder: string,
    hosts: ReadonlyMap<string, NetnsHost>,
    { watcher, between }: { watcher: Watcher; between: number },
  ) {
    this.folder = folder;
    this.hosts = hosts;
    this.#between = between;
    this.watch = watcher.within((host) => this.host(host).namespace);
  }

  host(name: string): NetnsHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name} in this lab`);
    return host;
  }

  /** Builds namespaces, links and addresses of one act. Must run inside the lab's own namespaces (see engine.ts). */
  static async up(act: ActPlan, folder: string, { watcher, impairable = [] }: UpOptions): Promise<NetnsLab> {
    mkdirSync(folder, { recursive: true });
    try {
      return await NetnsLab.#build(topologyOf(act), folder, { watcher, impairable });
    } catch (error) {
      if (error instanceof LabError) throw error;
      throw new LabError(
        'NO_NETWORK',
        `the lab's network could not be built: ${messageOf(error)}`,
        'this kernel must allow network namespaces and veth pairs; the message tells what it refused',
        error,
      );
    }
  }

  static async #build(
    topology: Topology,
    folder: string,
    { watcher, impairable }: Required<UpOptions>,
  ): Promise<NetnsLab> {
    const addressAt = (host: string, towards: string): string =>
      topology.hosts.find(({ name }) => name === host)?.nics.find(({ peer }) => peer === towards)?.address as string;
    const views = topology.hosts.map(() => HostView.open(folder));
    const between = newNamespace();
    const [place] = views as [HostView];
    const wires = new Wires(between, (rules) =>
      toItsEnd(
        inNamespace(between, () =>
          place.enter(() => withCapabilities(NETWORK_RIGHTS, () => spawn('nft', ['-f', '-'], NFT_OPTIONS))),
        ),
        rules,
        'nft',
      ),
    );
    const hosts = new Map(
      topology.hosts.map((host, index) => [
        host.name,
        new NetnsHost(host, {
          ...{ folder, view: views[index] as HostView, wires },
          neighbours: new Map(host.nics.map(({ name, peer }) => [name, addressAt(peer, host.name)])),
        }),
      ]),
    );
    const lab = new NetnsLab(folder, hosts, { watcher, between });
    const nicOf = (host: string, peer: string): string =>
      topology.hosts.find(({ name }) => name === host)?.nics.find((nic) => nic.peer === peer)?.name as string;
    for (const { ends } of topology.links) {
      const [near, far] = ends.map((name) => lab.host(name)) as [NetnsHost, NetnsHost];
      const wired = ends.some((end) => impairable.includes(end));
      near.link(nicOf(near.name, far.name), far, nicOf(far.name, near.name), wired ? wires : undefined);
    }
    for (const host of hosts.values()) host.configure();
    for (const host of hosts.values()) host.learnRoutes();
    for (const host of hosts.values()) host.learnInterfaces();
    // Their first processes have come up meanwhile.
    await Promise.all(views.map(({ ready }) => ready));
    if (wires.some) await wires.begin();
    for (const { name, forwards } of topology.hosts) {
      if (!forwards) continue;
      if (topology.ip === 'v4') await lab.host(name).setSysctl('net.ipv4.ip_forward', 1);
      else await lab.host(name).setSysctl('net.ipv6.conf.all.forwarding', 1);
    }
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => host.close()));
    closeNamespace(this.#between);
  }
}

/** Network namespaces of the kernel that this runs on, with one thread that watches them all. */
export function openGround(): Ground {
  const watcher = new Watcher();
  return {
    up: (act, folder, options) => NetnsLab.up(act, folder, { ...options, watcher }),
    [Symbol.dispose]: () => watcher[Symbol.dispose](),
  };
}
