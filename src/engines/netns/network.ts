import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { LabError, messageOf } from '../../errors.ts';
import type { Flow } from '../../evidence/flows.ts';
import type { SocketRow } from '../../evidence/sockets.ts';
import { type KernelSocketOptions, type Lab, type LabHost, LabProcess, type SpawnOptions } from '../../lab/lab.ts';
import { flowTable } from '../../linux/ctnetlink.ts';
import { socketTable } from '../../linux/inet-diag.ts';
import { closeNamespace, inNamespace, interfaceIndex, newNamespace, socketOptions } from '../../linux/libc.ts';
import { addAddress, addDefaultRoute, addVeth, setLink, withoutLinkLocal } from '../../linux/rtnetlink.ts';
import type { ActPlan } from '../../scenario/plan.ts';

// Hosts as network namespaces, one veth pair from each to the middlebox, which routes between them:
//
//   pool 198.18.10.2 ──── .10.1 balancer .101.1 ──── 198.18.101.2 mq-1
//                         VIP 198.18.0.1 .102.1 ──── 198.18.102.2 mq-2
//
// Addresses are from 198.18.0.0/15, the block for benchmarks (RFC 2544): no real network can be meant by them.
// There is no other link and no route out of the enclosing namespace.
const SERVICE_ADDRESS = '198.18.0.1';
const FIRST_CLIENT_NET = 10;
const FIRST_BROKER_NET = 101;

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
  /**
   * The links to pull, at the middlebox's end: there only connected routes are lost with a link, and they come back with
   * it. The host sees its carrier go and keeps its default route, as with a real cable.
   */
  cable: { end: NetnsHost; links: readonly string[] };
  readonly namespace: string;
  readonly #namespace: number;
  readonly #links: string[];
  readonly #processes = new Set<LabProcess>();

  constructor(name: string, address: string, serviceAddress: string | undefined, links: string[]) {
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

  #start(program: string, args: readonly string[], { input, output, env }: SpawnOptions): ChildProcess {
    const file = output === undefined ? undefined : openSync(output, 'w');
    try {
      return inNamespace(this.#namespace, () =>
        spawn(program, args, {
          stdio: [input ?? 'ignore', file ?? 'pipe', 'pipe'],
          env: { ...process.env, ...env },
          cwd: '/run',
        }),
      );
    } finally {
      if (file !== undefined) closeSync(file);
    }
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

  run(program: string, args: readonly string[], input?: string): Promise<string> {
    const child = this.#start(program, args, { input: input === undefined ? 'ignore' : 'pipe' });
    return toItsEnd(child, input, `${program} ${args.join(' ')} on ${this.name}`);
  }

  setSysctl(name: string, value: string | number): void {
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

  procNet(file: string): string | undefined {
    return inNamespace(this.#namespace, () => {
      const path = `/proc/thread-self/net/${file}`;
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    });
  }

  setLinks(up: boolean): void {
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

  sockets(): SocketRow[] {
    return inNamespace(this.#namespace, socketTable);
  }

  flows(): Flow[] {
    return inNamespace(this.#namespace, flowTable);
  }

  socketOptions(): Map<number, KernelSocketOptions> {
    const options = new Map<number, KernelSocketOptions>();
    for (const { child } of this.#processes) {
      const { pid } = child;
      if (pid === undefined) continue;
      for (const descriptor of list(`/proc/${pid}/fd`)) {
        try {
          const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
          if (inode === undefined) continue;
          options.set(Number(inode), {
            process: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(),
            ...socketOptions(pid, Number(descriptor)),
          });
        } catch {
          // A socket that is closed between the look and the question, or is no TCP socket, has no answer to give.
        }
      }
    }
    return options;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((running) => running.stop('SIGKILL')));
    closeNamespace(this.#namespace);
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export class NetnsLab implements Lab {
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, NetnsHost>;

  private constructor(folder: string, hosts: ReadonlyMap<string, NetnsHost>) {
    this.folder = folder;
    this.hosts = hosts;
  }

  host(name: string): NetnsHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name} in this lab`);
    return host;
  }

  /** Builds namespaces, links and addresses of one act. Must run inside the lab's own namespaces (see engine.ts). */
  static up(act: ActPlan, folder: string): NetnsLab {
    mkdirSync(folder, { recursive: true });
    const links = linksOf(act);
    try {
      return NetnsLab.#build(act, folder, links);
    } catch (error) {
      throw new LabError(
        'NO_NETWORK',
        `the lab's network could not be built: ${messageOf(error)}`,
        'this kernel must allow network namespaces and veth pairs; the message tells what it refused',
        error,
      );
    }
  }

  static #build(act: ActPlan, folder: string, links: readonly Link[]): NetnsLab {
    const hosts = new Map<string, NetnsHost>();
    for (const host of act.hosts) {
      const link = links.find((candidate) => candidate.host === host.name);
      hosts.set(
        host.name,
        link
          ? new NetnsHost(host.name, `198.18.${link.net}.2`, undefined, ['eth0'])
          : new NetnsHost(
              host.name,
              `198.18.${links[0]?.net}.1`,
              SERVICE_ADDRESS,
              links.map((candidate) => candidate.host),
            ),
      );
    }
    const lab = new NetnsLab(folder, hosts);
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
    middlebox.setSysctl('net.ipv4.ip_forward', 1);
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => host.close()));
  }
}

/** Feeds a program that was just started, and waits. @returns its standard output. @throws LabError MISSING_TOOL, NO_NETWORK */
function toItsEnd(child: ChildProcess, input: string | undefined, what: string): Promise<string> {
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new LabError(
          'MISSING_TOOL',
          `cannot run ${what}: ${error.message}`,
          'npm run setup, as root, installs what is missing',
          error,
        ),
      ),
    );
    child.once('close', (code) =>
      code === 0
        ? resolve(output)
        : reject(
            new LabError(
              'NO_NETWORK',
              `${what}: ${errors.trim() || `exit code ${code}`}`,
              'the lab could not be built here; the message tells what the kernel refused (it must allow network namespaces, veth pairs and nftables)',
            ),
          ),
    );
  });
}
