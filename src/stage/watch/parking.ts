import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { closeDescriptor, duplicateOf, pollInput } from '../../linux/libc.ts';

/** How long a server that was woken is left to its own devices before it is parked again. */
const AWAKE_MS = 50;
const LONGEST_AWAKE_MS = 60_000;
/** Milliseconds that a process may take to stop. */
const STOP_TRIES = 20;

interface Rest {
  sleeping: boolean;
  stopped: boolean;
  voluntary: number;
  involuntary: number;
}

function restOf(pid: number): Rest | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
    const state = /^State:\s+(\S)/m.exec(status)?.[1];
    return {
      sleeping: state === 'S',
      stopped: state === 'T',
      voluntary: number('voluntary_ctxt_switches'),
      involuntary: number('nonvoluntary_ctxt_switches'),
    };
  } catch {
    return undefined;
  }
}

/** Waits until a process that was told to stop has done so; it needs the CPU for that. */
function stopped(pid: number): Rest | undefined {
  for (let attempt = 0; attempt < STOP_TRIES; attempt++) {
    const rest = restOf(pid);
    if (!rest || rest.stopped) return rest;
    pollInput([], 1);
  }
  return undefined;
}

function eventPollOf(pid: number): number {
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${descriptor}`) === 'anon_inode:[eventpoll]')
        return duplicateOf(pid, Number(descriptor));
    } catch {
      // Closed between the two looks.
    }
  }
  throw new Error(`process ${pid} has no epoll descriptor`);
}

const signal = (pid: number, name: 'SIGSTOP' | 'SIGCONT') => {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended; whoever watches over it will say so.
  }
};

/**
 * Keeps a server stopped (SIGSTOP) while it has nothing to do, so that its housekeeping ticks do not hold up a clock that
 * could jump. Its sockets are the kernel's and live on: they acknowledge, probe and expire. A duplicate of its epoll(7)
 * descriptor tells, exactly as it would tell the server, when there is something to read, accept or notice; then it runs.
 */
export class Parking implements Disposable {
  readonly fd: number;
  readonly pid: number;
  #parkAt: number;
  /** How long it runs before the next try to park it; longer and longer while it cannot be parked. */
  #awakeMs = AWAKE_MS;

  constructor(pid: number) {
    this.pid = pid;
    this.fd = eventPollOf(pid);
    this.#parkAt = performance.now() + AWAKE_MS;
  }

  get parked(): boolean {
    return this.#parkAt === Number.POSITIVE_INFINITY;
  }

  /** When to call `park`, in ms of performance.now(). */
  get due(): number {
    return this.#parkAt;
  }

  /** Its descriptor is ready: let it run. */
  wake(): void {
    this.#awakeMs = AWAKE_MS;
    this.#run();
  }

  #run(): void {
    signal(this.pid, 'SIGCONT');
    this.#parkAt = performance.now() + this.#awakeMs;
  }

  /** Stops it if it is waiting for events, and for nothing else; else it runs on for a while. */
  park(): void {
    const before = restOf(this.pid);
    if (before?.sleeping && !this.#ready) {
      signal(this.pid, 'SIGSTOP');
      const after = stopped(this.pid);
      // It must have gone from its sleep straight into the stop: one step, in which nothing can have been begun.
      const straight =
        after?.stopped && after.voluntary === before.voluntary + 1 && after.involuntary === before.involuntary;
      if (straight && !this.#ready) {
        this.#parkAt = Number.POSITIVE_INFINITY;
        return;
      }
    }
    this.#awakeMs = Math.min(this.#awakeMs * 2, LONGEST_AWAKE_MS);
    this.#run();
  }

  get #ready(): boolean {
    return pollInput([this.fd], 0).size > 0;
  }

  [Symbol.dispose](): void {
    signal(this.pid, 'SIGCONT');
    closeDescriptor(this.fd);
  }
}
