import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LabError } from '../base/errors.ts';
import type { Program } from '../talk/programs.ts';
import type { Flow } from '../wire/flows.ts';
import type { SocketRow } from '../wire/sockets.ts';
import type { LostEvidence } from './record.ts';

/**
 * The contract between the orchestrator and the places where hosts live. A scenario does not know which it is in.
 * Control (agent commands and events on standard streams) never crosses the network under test.
 */
export interface Lab extends AsyncDisposable {
  /** Scratch folder of this act, by its name on every host. Vanishes with the lab. */
  readonly folder: string;
  readonly watch: LabWatch;
  /** Timer interrupts a second of the hosts' kernel. */
  readonly hz: number;
  /** Seconds since the epoch on the clock of the hosts, which may not be that of the machine we run on. */
  now(): number;
  /** Of the hosts' kernel and Node.js, where they are not those of this process. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Peak memory of the lab's own processes on its hosts, MB, where they are not this process. */
  readonly memoryMb?: number;
  readonly hosts: ReadonlyMap<string, LabHost>;
  host(name: string): LabHost;
}

/** What to watch during one act, and where to write it. */
export interface WatchOrder {
  act: string;
  folder: string;
  socketsFile: string;
  flowsFile: string;
  /** `capture`: the pcap file to write. */
  hosts: { name: string; capture: string }[];
  /** Hosts whose flows are watched. */
  middleboxes: string[];
  /** Frames a host may send and receive before they must have been read. */
  slots: number;
  /** Whether waiting costs nothing here, and waking up does. */
  clockJumps: boolean;
}

/** Writes down packets, ends of sockets, and beginnings and ends of flows, as the kernel tells of them. */
export interface LabWatch {
  /** Rejects when it fails; evidence would be missing. */
  readonly died: Promise<never>;
  /** From the moment that this resolves nothing is missed. @throws LabError NO_NETWORK */
  start(order: WatchOrder): Promise<void>;
  /** Something is about to happen: many packets may come at once. */
  attend(): void;
  /** Stops a server whenever it has nothing to do; only where clocks jump. */
  park(pid: number): void;
  /** Undoes `park`. Once this resolves the server runs, and nobody stops or continues it any more. */
  unpark(pid: number): Promise<void>;
  /** Ends the watch of this act; what was seen is in the order's folder then. @returns what the kernel had to drop */
  stop(): Promise<LostEvidence>;
}

export interface LabHost {
  readonly name: string;
  /** Its first address. */
  readonly address: string;
  /** All of its addresses, those of its links and of its loopback. */
  readonly addresses: readonly string[];
  /** Its address on the link to a neighbour. */
  addressTowards(neighbour: string): string;
  /** On a middlebox: the address that clients connect to. */
  readonly serviceAddress: string | undefined;
  /** Interface names by index, as a capture on "any" reports them. */
  readonly interfaces: ReadonlyMap<number, string>;
  /** Set when the host has lost its power: what its kernel still holds does not exist any more. */
  gone: boolean;
  /** Set while its programs are stopped: whoever asks one of them waits forever. */
  frozen: boolean;
  /** Starts a program on this host. Its death, unless asked for, is reported through `whenDied`. */
  spawn(program: string, args: readonly string[], options?: SpawnOptions): LabProcess;
  /** Starts a program of ours. */
  spawnModule(module: Program, args: readonly string[], options?: SpawnOptions): LabProcess;
  /** Runs a program to its end. @returns its standard output. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<string>;
  /** Makes a file of ours readable to this host's programs. @returns its path there */
  place(file: string): Promise<string>;
  /** Writes a file of this name for this host's programs. @returns its path there */
  placeText(name: string, text: string): Promise<string>;
  /** Asks a program that listens on a Unix socket of this host. @returns its whole answer */
  ask(socketFile: string, question: string): Promise<string>;
  setSysctl(name: string, value: string | number): Promise<void>;
  /** A file of /proc/net as this host's network namespace has it; undefined where its kernel has no such file. */
  procNet(file: string): Promise<string | undefined>;
  /** Cuts or mends every link of this host, as if the cable were pulled. Its routes are the same afterwards. */
  setLinks(up: boolean): Promise<void>;
  /**
   * Its kernel forgets all TCP sockets but listening ones, without sending anything: as after a crash or a reboot. End its
   * programs first; one that still runs gets ECONNABORTED.
   * @throws LabError WRONG_KERNEL on a kernel that cannot (CONFIG_INET_DIAG_DESTROY)
   */
  dropSockets(): Promise<void>;
  /** Its connection tracking forgets all flows, without sending anything. */
  forgetFlows(): Promise<void>;
  /**
   * Does something to packets on their way from or to this host, from now on and besides what was done before. It happens
   * between the hosts: a lost packet was sent and seen at its sender, and has not reached the other end.
   * @throws LabError WRONG_KERNEL where this place or its kernel cannot do it
   */
  impair(impairment: Impairment): Promise<void>;
  /** Ends all that `impair` has begun on this host. Packets that are still delayed are lost. */
  unimpair(): Promise<void>;
  /**
   * Whether packets go through it with the addresses they have. Where they do not, a middlebox must put its own in the
   * place of its clients', and have clients speak to itself.
   */
  readonly passesForeignAddresses: boolean;
  /** Its TCP sockets at this moment, but for listening ones; with the kernel's own values where they are its programs'. */
  sockets(): Promise<{ time: number; sockets: SeenSocket[] }>;
  /** The routes of its main table, but for those of IPv6's link-local network. */
  routes(): Promise<SeenRoute[]>;
  /** The TCP flows it tracks at this moment. Looking makes the kernel drop those that have expired. */
  flows(): Promise<Flow[]>;
}

export interface SeenRoute {
  /** A network, as in 198.18.10.0/24. */
  to: string;
  /** The neighbour's address; undefined for a network on the link itself. */
  via: string | undefined;
  /** The interface that leads there. */
  nic: string | undefined;
}

/** By flag, or by whether they carry data. `empty`: neither data nor SYN, FIN or RST, as bare ACKs and keepalive probes are. */
export type PacketKind = 'syn' | 'fin' | 'rst' | 'data' | 'empty';

/** Which TCP packets between a host and its neighbours; all of them, where nothing is said. */
export interface PacketChoice {
  /** As the host sees it: `in` are those that come to it. Both, where it is left out. */
  direction?: 'in' | 'out' | undefined;
  kind?: PacketKind | undefined;
  /** Only on the link to this neighbour. */
  neighbour?: string | undefined;
}

/** Those that are chosen; only the next so many of them, where `packets` is given, counted over all links and directions. */
export type CountedPackets = PacketChoice & { packets?: number | undefined };

export interface Impairment {
  /** Every packet takes so much longer, in each direction that is meant. Delays of both ends of a link add up. */
  delaySeconds?: number | undefined;
  /** Where `delaySeconds` holds. */
  delayed?: Pick<PacketChoice, 'direction' | 'neighbour'> | undefined;
  loss?: CountedPackets | undefined;
  /** Arrive twice, one right behind the other. */
  duplicate?: CountedPackets | undefined;
}

export type SeenSocket = SocketRow & { kernel?: KernelSocketOptions };

export interface KernelSocketOptions {
  process: string;
  keepalive: boolean;
  idleSeconds: number;
  intervalSeconds: number;
  probes: number;
  userTimeoutMs: number;
}

export interface RunOptions {
  /** What its standard input brings. */
  input?: string;
  /** As with `SpawnOptions`. */
  privileged?: boolean;
}

export interface SpawnOptions {
  /** How the process is called in messages. */
  as?: string;
  input?: 'pipe' | 'ignore';
  /** Whether it needs the rights to change the host's network (NET_ADMIN, NET_RAW); without it a program has none at all. */
  privileged?: boolean;
  onLine?: (line: string) => void;
  onErrorLine?: (line: string) => void;
}

const REMEMBERED_LINES = 8;
/** How long an ended process's last lines may take to arrive. */
const LAST_WORDS_MS = 200;

/** What a process on a host has in common with a child process of ours. */
export type HostProcess = Pick<ChildProcess, 'pid' | 'exitCode' | 'signalCode' | 'stdout' | 'stderr' | 'kill'> & {
  stdin: { write(text: string): unknown } | null;
  once(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
};

/** A running program on a host. */
export class LabProcess {
  readonly name: string;
  readonly child: HostProcess;
  readonly lastLines: string[] = [];
  /** Settles when the process has ended; with an error if nobody had asked for that. */
  readonly ended: Promise<void>;
  /** Rejects when the process dies although nobody asked for it; never resolves. */
  readonly died: Promise<never>;
  #stopping = false;
  readonly #ready = new Set<{ pattern: RegExp; resolve: () => void }>();

  constructor(name: string, child: HostProcess, options: SpawnOptions = {}) {
    this.name = name;
    this.child = child;
    const hear = (stream: NodeJS.ReadableStream | null, report?: (line: string) => void) => {
      if (!stream) return;
      createInterface({ input: stream }).on('line', (line) => {
        if (line.trim() !== '') this.lastLines.push(line);
        if (this.lastLines.length > REMEMBERED_LINES) this.lastLines.shift();
        for (const waiter of this.#ready) if (waiter.pattern.test(line)) waiter.resolve();
        report?.(line);
      });
    };
    hear(child.stdout, options.onLine);
    hear(child.stderr, options.onErrorLine);
    const gone = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      const ended = (code: number | null, signal: string | null) =>
        resolve(signal ? `signal ${signal}` : `exit code ${code}`);
      child.once('close', ended);
      // What the process itself has started may hold its streams open after its end: do not wait for that.
      child.once('exit', (code, signal) => setTimeout(() => ended(code, signal), LAST_WORDS_MS));
    });
    this.ended = gone.then(() => undefined);
    this.died = gone.then((how) => {
      if (this.#stopping) return new Promise<never>(() => {});
      const log =
        this.lastLines.length > 0
          ? `; its last lines:\n    ${this.lastLines.join('\n    ')}`
          : '; it had printed nothing';
      throw new LabError(
        'SERVICE_DIED',
        `${name} died during the run (${how})${log}`,
        'look at its configuration in the run’s folder config/',
      );
    });
    this.died.catch(() => {});
  }

  /** Waits for a line of its output. @throws LabError SERVICE_SILENT after the given seconds, SERVICE_DIED if it ends first */
  async line(pattern: RegExp, withinSeconds = 10): Promise<void> {
    if (this.lastLines.some((line) => pattern.test(line))) return;
    let timer: NodeJS.Timeout | undefined;
    let waiter: { pattern: RegExp; resolve: () => void } | undefined;
    const seen = new Promise<void>((resolve, reject) => {
      waiter = { pattern, resolve };
      this.#ready.add(waiter);
      timer = setTimeout(
        () =>
          reject(
            new LabError(
              'SERVICE_SILENT',
              `${this.name} did not become ready in ${withinSeconds} s; last lines:\n    ${this.lastLines.join('\n    ')}`,
              'run again; if it stays so, the machine is too busy or the program too old',
            ),
          ),
        withinSeconds * 1000,
      );
    });
    try {
      await Promise.race([seen, this.died]);
    } finally {
      clearTimeout(timer);
      if (waiter) this.#ready.delete(waiter);
    }
  }

  write(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** From here on its end is expected. */
  expectEnd(): void {
    this.#stopping = true;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceSeconds = 2): Promise<void> {
    this.#stopping = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), patienceSeconds * 1000);
    await this.ended;
    clearTimeout(timer);
  }
}
