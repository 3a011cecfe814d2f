import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { now } from '../../base/clock.ts';
import { LabError, messageOf } from '../../base/errors.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import { flowTable } from '../../linux/ctnetlink.ts';
import { closeNamespace, inNamespace, interfaceIndex, kernelHz, newNamespace } from '../../linux/libc.ts';
import { CAP, withCapabilities } from '../../linux/rights.ts';
import { addAddress, addDefaultRoute, addVeth, setLink, withoutLinkLocal } from '../../linux/rtnetlink.ts';
import type { ActPlan } from '../../plan/plan.ts';
import { askSocket } from '../../stage/ask.ts';
import type { Ground } from '../../stage/ground.ts';
import {
  type Lab,
  type LabHost,
  LabProcess,
  type LabWatch,
  type RunOptions,
  type SeenSocket,
  type SpawnOptions,
} from '../../stage/lab.ts';
import { lookAtSockets } from '../../stage/look.ts';
import { toItsEnd } from '../../stage/to-its-end.ts';
import { Watcher } from '../../stage/watch/watcher.ts';
import type { Program } from '../../talk/programs.ts';
import type { Flow } from '../../wire/flows.ts';
import { HostView, labEnvironment } from './view.ts';

// Hosts as network namespaces, one veth pair from each to the middlebox, which routes between them:
//
//   pool 198.18.10.2 ──── .10.1 balancer .101.1 ──── 198.18.101.2 mq-1
//                         VIP 198.18.0.1 .102.1 ──── 198.18.102.2 mq-2
//
// Addresses are from 198.18.0.0/15, the block for benchmarks (RFC 2544): no real network can be meant by them.
// There is no other link and no route out of the enclosing namespace. Each host has files and processes of its own as well
// (view.ts): its programs reach another host by its network, and this machine not at all.
const SERVICE_ADDRESS = '198.18.0.1';
const FIRST_CLIENT_NET = 10;
const FIRST_BROKER_NET = 101;
/** What programs need that set rules or send packets of their own making. */
const NETWORK_RIGHTS = [CAP.netAdmin, CAP.netRaw];

interface Link {
  host: string;
  middlebox: string;
  net: number;
}

function linksOf(act: ActPlan): Link[] {
  const middlebox = act.hosts.find((host) => host.role === 'middlebox')?.name as string;
  let client = FIRST_CLIENT_NET;
  let broker = FIRST_BROKER_NET;
  return act.hosts
    .filter((host) => host.role !== 'middlebox')
    .map((host) => ({ host: host.name, middlebox, net: host.role === 'client' ? client++ : broker++ }));
}

class NetnsHost implements LabHost {
  readonly name: string;
  readonly address: string;
  readonly serviceAddress: string | undefined;
  interfaces: ReadonlyMap<number, string> = new Map();
  gone = false;
  readonly passesForeignAddresses = true;
  /**
   * The links to pull, at the middlebox's end: there only connected routes are lost with a link, and they come back with
   * it. The host sees its carrier go and keeps its default route, as with a real cable.
   */
  cable: { end: NetnsHost; links: readonly string[] };
  /** A path that opens its network namespace (setns(2)), for those who watch it. */
  readonly namespace: string;
  readonly #namespace: number;
  readonly #links: string[];
  readonly #processes = new Set<LabProcess>();
  readonly #folder: string;
  readonly #place: HostView;

  /** @param place `folder`: the scratch folder on it */
  constructor(
    name: string,
    address: string,
    serviceAddress: string | undefined,
    links: string[],
    place: { folder: string; view: HostView },
  ) {
    this.#folder = place.folder;
    this.#place = place.view;
    this.name = name;
    this.address = address;
    this.serviceAddress = serviceAddress;
    this.#links = links;
    this.cable = { end: this, links };
    this.#namespace = newNamespace();
    this.namespace = `/proc/${process.pid}/fd/${this.#namespace}`;
  }

  learnInterfaces(): void {
    this.interfaces = inNamespace(
      this.#namespace,
      () => new Map(['lo', ...this.#links].map((link) => [interfaceIndex(link), link])),
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
    const { end, links } = this.cable;
    inNamespace(end.#namespace, () => {
      for (const link of links) setLink(interfaceIndex(link), up);
    });
  }

  /** Joins this host to another by a cable. */
  link(name: string, other: NetnsHost, otherName: string): void {
    addVeth({ name, namespace: this.#namespace }, { name: otherName, namespace: other.#namespace });
  }

  /** Gives links their addresses and takes them up, with the loopback. */
  configure(links: readonly { name: string; address: string; prefixLength: number }[], gateway?: string): void {
    inNamespace(this.#namespace, () => {
      setLink(interfaceIndex('lo'), true);
      for (const { name, address, prefixLength } of links) {
        const index = interfaceIndex(name);
        addAddress(index, address, prefixLength);
        if (name === 'lo') continue;
        withoutLinkLocal(index);
        setLink(index, true);
      }
      if (gateway !== undefined) addDefaultRoute(gateway);
    });
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

export class NetnsLab implements Lab {
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, NetnsHost>;
  readonly watch: LabWatch;
  readonly now: () => number = now;
  readonly hz: number = kernelHz();

  private constructor(folder: string, hosts: ReadonlyMap<string, NetnsHost>, watcher: Watcher) {
    this.folder = folder;
    this.hosts = hosts;
    this.watch = watcher.within((host) => this.host(host).namespace);
  }

  host(name: string): NetnsHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name} in this lab`);
    return host;
  }

  /** Builds namespaces, links and addresses of one act. Must run inside the lab's own namespaces (see engine.ts). */
  static async up(act: ActPlan, folder: string, watcher: Watcher): Promise<NetnsLab> {
    mkdirSync(folder, { recursive: true });
    const links = linksOf(act);
    try {
      return await NetnsLab.#build(act, folder, links, watcher);
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

  static async #build(act: ActPlan, folder: string, links: readonly Link[], watcher: Watcher): Promise<NetnsLab> {
    const hosts = new Map<string, NetnsHost>();
    const views = await Promise.all(act.hosts.map(() => HostView.open(folder)));
    for (const [index, host] of act.hosts.entries()) {
      const place = { folder, view: views[index] as HostView };
      const link = links.find((candidate) => candidate.host === host.name);
      hosts.set(
        host.name,
        link
          ? new NetnsHost(host.name, `198.18.${link.net}.2`, undefined, ['eth0'], place)
          : new NetnsHost(
              host.name,
              `198.18.${links[0]?.net}.1`,
              SERVICE_ADDRESS,
              links.map((candidate) => candidate.host),
              place,
            ),
      );
    }
    const lab = new NetnsLab(folder, hosts, watcher);
    const middlebox = lab.host(links[0]?.middlebox as string);
    for (const { host } of links) {
      middlebox.link(host, lab.host(host), 'eth0');
      lab.host(host).cable = { end: middlebox, links: [host] };
    }
    middlebox.configure([
      { name: 'lo', address: SERVICE_ADDRESS, prefixLength: 32 },
      ...links.map(({ host, net }) => ({ name: host, address: `198.18.${net}.1`, prefixLength: 24 })),
    ]);
    for (const { host, net } of links)
      lab.host(host).configure([{ name: 'eth0', address: `198.18.${net}.2`, prefixLength: 24 }], `198.18.${net}.1`);
    for (const host of hosts.values()) host.learnInterfaces();
    await middlebox.setSysctl('net.ipv4.ip_forward', 1);
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => host.close()));
  }
}

/** Network namespaces of the kernel that this runs on, with one thread that watches them all. */
export function openGround(): Ground {
  const watcher = new Watcher();
  return {
    up: (act, folder) => NetnsLab.up(act, folder, watcher),
    [Symbol.dispose]: () => watcher[Symbol.dispose](),
  };
}
