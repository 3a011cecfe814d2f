import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LabError } from '../errors.ts';
import type { Flow } from '../evidence/flows.ts';
import type { SocketRow } from '../evidence/sockets.ts';

/**
 * The contract between the orchestrator and the places where hosts live. A scenario does not know which it is in.
 * Control (agent commands and events on standard streams) never crosses the network under test.
 */
export interface Lab extends AsyncDisposable {
  /** Scratch folder of this act: configurations, logs, captures. Vanishes with the lab. */
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, LabHost>;
  host(name: string): LabHost;
}

export interface LabHost {
  readonly name: string;
  /** The address by which the others know it. */
  readonly address: string;
  /** On a middlebox: the address that clients connect to. */
  readonly serviceAddress: string | undefined;
  /** Interface names by index, as a capture on "any" reports them. */
  readonly interfaces: ReadonlyMap<number, string>;
  /** Set when the host has lost its power: what its kernel still holds does not exist any more. */
  gone: boolean;
  /** Starts a program on this host. Its death, unless asked for, is reported through `whenDied`. */
  spawn(program: string, args: readonly string[], options?: SpawnOptions): LabProcess;
  /** Runs a program to its end. @returns its standard output. */
  run(program: string, args: readonly string[], input?: string): Promise<string>;
  setSysctl(name: string, value: string | number): void;
  /** A file of /proc/net as this host's network namespace has it; undefined where its kernel has no such file. */
  procNet(file: string): string | undefined;
  /** Cuts or mends every link of this host, as if the cable were pulled. */
  setLinks(up: boolean): void;
  /** A path that opens its network namespace (setns(2)), for those who watch it. */
  readonly namespace: string;
  /** Its TCP sockets at this moment, but for listening ones. */
  sockets(): SocketRow[];
  /** The TCP flows it tracks at this moment. Looking makes the kernel drop those that have expired. */
  flows(): Flow[];
  /** The kernel's own values for TCP sockets of this host's processes, by inode. */
  socketOptions(): Map<number, KernelSocketOptions>;
}

export interface KernelSocketOptions {
  process: string;
  keepalive: boolean;
  idleSeconds: number;
  intervalSeconds: number;
  probes: number;
  userTimeoutMs: number;
}

export interface SpawnOptions {
  /** How the process is called in messages. */
  as?: string;
  input?: 'pipe' | 'ignore';
  /** A file that takes its standard output, instead of `onLine`. */
  output?: string;
  env?: Record<string, string>;
  onLine?: (line: string) => void;
  onErrorLine?: (line: string) => void;
}

const REMEMBERED_LINES = 8;
/** How long an ended process's last lines may take to arrive. */
const LAST_WORDS_MS = 200;

/** A running program on a host. */
export class LabProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly lastLines: string[] = [];
  /** Settles when the process has ended; with an error if nobody had asked for that. */
  readonly ended: Promise<void>;
  /** Rejects when the process dies although nobody asked for it; never resolves. */
  readonly died: Promise<never>;
  #stopping = false;
  readonly #ready = new Set<{ pattern: RegExp; resolve: () => void }>();

  constructor(name: string, child: ChildProcess, options: SpawnOptions = {}) {
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
