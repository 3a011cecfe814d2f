// Who acts in an act: the clients' agents, the servers, the boxes, and every process of theirs.
import type { ActPlan, ClientPlan, HostPlan, MiddleboxPlan, ServerPlan, Tuning } from '../plan/plan.ts';
import type { AgentCommand, AgentEvent } from '../talk/agent.ts';
import type { PlayedBox } from './box.ts';
import type { LabProcess } from './lab.ts';
import type { Server, StartedServer } from './server.ts';

/** A client host's agent. */
export class ClientActor {
  readonly plan: ClientPlan;
  readonly tuning: Tuning;
  /** Where its connections go. */
  readonly target: { address: string; port: number };
  readonly #process: LabProcess;
  readonly #open = new Set<string>();
  readonly #ready = new Set<number>();
  #changed: (() => void)[] = [];
  #rounds = 0;

  constructor(plan: ClientPlan, tuning: Tuning, target: { address: string; port: number }, process: LabProcess) {
    this.plan = plan;
    this.tuning = tuning;
    this.target = target;
    this.#process = process;
  }

  send(command: AgentCommand): void {
    this.#process.write(JSON.stringify(command));
  }

  /** What the agent told. */
  hear({ event, id, connection }: AgentEvent): void {
    if ((event === 'reply' || event === 'failed') && id !== undefined) this.#open.delete(id);
    if (event === 'ready' && connection !== undefined) this.#ready.add(connection);
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  /** An id for a request on each of these connections, different from every other in the run. */
  newIds(act: string, connections: readonly number[]): string[] {
    this.#rounds++;
    return connections.map((connection) => `${act}-${this.plan.name}-${this.#rounds}-${connection}`);
  }

  /** Resolves once all of these ids have an answer of whatever kind. Call it before they are asked. */
  settled(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#open.add(id);
    return this.#until(() => ids.every((id) => !this.#open.has(id)));
  }

  /** Resolves once these connections are ready. */
  ready(connections: readonly number[]): Promise<void> {
    return this.#until(() => connections.every((connection) => this.#ready.has(connection)));
  }
}

export interface ServerActor {
  plan: ServerPlan;
  server: Server;
  started: StartedServer;
}

export interface BoxActor {
  plan: MiddleboxPlan;
  played: PlayedBox;
}

export class Cast {
  readonly act: ActPlan;
  readonly clients = new Map<string, ClientActor>();
  readonly servers = new Map<string, ServerActor>();
  readonly boxes = new Map<string, BoxActor>();
  /** Agents that are up and do not know yet where their connections go. */
  readonly agents = new Map<string, (target: { address: string; port: number }) => void>();
  readonly #processes = new Map<string, LabProcess[]>();
  readonly #failed: (failure: unknown) => void;
  /** Rejects when a process of anybody dies although nobody asked for it, whenever it was started. */
  readonly died: Promise<never>;
  /** Starts a box again, or a server or an agent, after its host has lost them. */
  readonly startAgain: (host: HostPlan) => Promise<void>;

  constructor(act: ActPlan, startAgain: (cast: Cast, host: HostPlan) => Promise<void>) {
    this.act = act;
    let failed: (failure: unknown) => void = () => {};
    this.died = new Promise((_, reject) => {
      failed = reject;
    });
    this.died.catch(() => {});
    this.#failed = failed;
    this.startAgain = (host) => startAgain(this, host);
  }

  /** Watches over a process of a host. @returns it */
  join(host: string, process: LabProcess): LabProcess {
    this.#processes.set(host, [...(this.#processes.get(host) ?? []), process]);
    process.died.catch(this.#failed);
    return process;
  }

  processesOn(host: string): readonly LabProcess[] {
    return this.#processes.get(host) ?? [];
  }

  /** Ends all processes of a host at once (SIGKILL). */
  async kill(host: string): Promise<void> {
    await Promise.all(this.processesOn(host).map((process) => process.stop('SIGKILL')));
    this.#processes.delete(host);
  }

  client(name: string): ClientActor {
    const client = this.clients.get(name);
    if (!client) throw new Error(`no client ${name} in this act`);
    return client;
  }
}

/** The connections of a client that a step is about, by number. */
export const numbersOf = (
  { connections }: ClientPlan,
  { part = { from: 0, count: connections } }: { part?: { from: number; count: number } },
): number[] => Array.from({ length: part.count }, (_, index) => part.from + index);
