import type { MiddleboxPlan } from '../plan/plan.ts';
import type { Program } from '../talk/programs.ts';
import type { Flow } from '../wire/flows.ts';
import type { LabHost, LabProcess } from './lab.ts';
import type { ManyPlayer } from './many.ts';

export interface PlayerContext {
  box: MiddleboxPlan;
  host: LabHost;
  brokers: readonly LabHost[];
  port: number;
  /** How many connections the clients will open at once. */
  connections: number;
  folder: string;
  /** Writes a rendered configuration where the run keeps it. @returns the file's path on the middlebox */
  writeConfig(name: string, text: string): Promise<string>;
  /** Starts a program of ours on the middlebox. */
  spawnModule(module: Program, args: readonly string[], as: string): LabProcess;
  /** A line of the proxy's own log, for the evidence. */
  onLogLine(line: string): void;
}

/** A table of flows that tells only when looked at. `tracker` names whose it is. */
export interface FlowSource {
  tracker: string;
  table(): Promise<Flow[]>;
}

export interface Playing {
  /** Where clients connect to. */
  target: { address: string; port: number };
  /** Its own table of flows, where that is not connection tracking's. */
  flows?: FlowSource;
  /** Asks the box for its live sessions, where it has some. @returns its own words */
  sessions?(): Promise<string>;
}

/** Sets what a player asks of its host's kernel. */
export async function setSysctls(host: LabHost, sysctls: Record<string, number>): Promise<void> {
  for (const [name, value] of Object.entries(sysctls)) await host.setSysctl(name, value);
}

/** How the lab plays a kind of middlebox. One file each in `players/`, named as in a profile's `playedBy`. */
export interface Player {
  /** Kernel modules it needs, in the order of loading; a kernel of the lab's own loads them, a machine's must have them. */
  modules?: readonly string[];
  /** What it sets in its host's kernel, for places where that must be known before the host is there. */
  sysctls?(box: MiddleboxPlan): Record<string, number>;
  /** Why a scenario with these brokers cannot have it, and what to do; undefined where it can. Asked when it is planned. */
  refuses?(scenario: { brokers: readonly string[] }): { what: string; todo: string } | undefined;
  play(context: PlayerContext): Promise<Playing>;
  /** How it is played many times at once, for a sweep; undefined where it cannot be. */
  many?: ManyPlayer;
}
