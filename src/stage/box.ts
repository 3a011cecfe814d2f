import type { KnownBox } from '../plan/known.ts';
import type { MiddleboxPlan } from '../plan/plan.ts';
import type { IpFamily } from '../plan/topology.ts';
import type { Forgetting } from '../talk/flow-clocks.ts';
import type { Program } from '../talk/programs.ts';
import type { Flow } from '../wire/flows.ts';
import type { ProxyLogEntry, ProxySession } from '../wire/haproxy-log.ts';
import type { LabHost, LabProcess } from './lab.ts';
import type { ManyPlayer } from './many.ts';

/** Where something takes connections. */
export interface Entrance {
  /** The host. */
  name: string;
  address: string;
  port: number;
}

export interface BoxContext {
  box: MiddleboxPlan;
  host: LabHost;
  ip: IpFamily;
  /**
   * What stands behind it, as those behind see it: the entrance of the next box that has one, or the servers. A box on the path
   * need not know.
   */
  next: readonly Entrance[];
  /** The port that clients use, everywhere. */
  port: number;
  /** How many connections the clients will open at once. */
  connections: number;
  folder: string;
  /** Writes a rendered configuration where the run keeps it. @returns the file's path on the middlebox */
  writeConfig(name: string, text: string): Promise<string>;
  /** Starts a program of ours (a module of services/) on the middlebox. */
  spawnModule(module: Program, args: readonly string[], as: string, onLine?: (line: string) => void): LabProcess;
  /** Starts another program there. */
  spawn(
    program: string,
    args: readonly string[],
    onLine?: (line: string) => void,
    onErrorLine?: (line: string) => void,
  ): LabProcess;
  /** A line of the proxy's own log, for the evidence; with the session that it tells the end of. */
  onLogLine(line: string, session: ProxyLogEntry | undefined): void;
  /** Seconds since the epoch on the clock of the hosts. */
  now(): number;
  /** A flow that a timer of the box's own has ended, for the evidence. */
  onForgot(forgetting: Forgetting): void;
}

/** A table of flows that tells only when looked at. `tracker` names whose it is. */
export interface FlowSource {
  tracker: string;
  table(): Promise<Flow[]>;
}

/** A box that is up. */
export interface PlayedBox {
  /** Where those before it connect to; undefined where they aim at what stands behind it. */
  entrance?: { address: string; port: number };
  /** Its own table of flows, where that is not connection tracking's. */
  flows?: FlowSource;
  /** Asks the box for its live sessions, where it has some. `text`: its own words, where it was asked for them */
  sessions?(): Promise<{ sessions: ProxySession[]; text?: string }>;
}

/** Sets what a box asks of its host's kernel. */
export async function setSysctls(host: LabHost, sysctls: Record<string, number>): Promise<void> {
  for (const [name, value] of Object.entries(sysctls)) await host.setSysctl(name, value);
}

/**
 * How the lab plays a kind of middlebox. One file each in `boxes/`, named as in a profile's `playedBy`. Boxes of a path are
 * played from the far end: each is given what stands behind it and returns its entrance.
 */
export interface Box extends KnownBox {
  /** Kernel modules it needs, in the order of loading; a kernel of the lab's own loads them, a machine's must have them. */
  modules?: readonly string[];
  /** What it sets in its host's kernel, for places where that must be known before the host is there. */
  sysctls?(box: MiddleboxPlan): Record<string, number>;
  play(context: BoxContext): Promise<PlayedBox>;
  /** How it is played many times at once, for a sweep; undefined where it cannot be. */
  many?: ManyPlayer;
}
