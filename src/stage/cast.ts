// Who acts in an act: the clients' agents, the servers, the boxes, and every process of theirs.
import { LabError } from '../base/errors.ts';
import type { ActPlan, ClientPlan, HostPlan, MiddleboxPlan, ServerPlan, Tuning } from '../plan/plan.ts';
import type { AgentCommand, AgentEvent } from '../talk/agent.ts';
import { Arrivals } from './arrivals.ts';
import type { PlayedBox } from './box.ts';
import type { LabProcess, LabWatch } from './lab.ts';
import type { Server, StartedServer } from './server.ts';

/** Whether all are done, asked again and again: those that are need no second look, and there may be thousands. */
function allOf<T>(values: readonly T[], isDone: (value: T) => boolean): () => boolean {
  let next = 0;
  return () => {
    while (next < values.length && isDone(values[next] as T)) next++;
    return next === values.length;
  };
}

/** A client host's agent. */
export class ClientActor {
  readonly plan: ClientPlan;
  readonly tuning: Tuning;
  /** Where its connections go. */
  readonly target: { address: string; port: number };
  readonly #process: LabProcess;
  readonly #open = new Set<string>();
  /** Connections that were told to open and are neither ready nor given up. */
  readonly #opening = new Set<number>();
  readonly #ready = new Set<number>();
  readonly #performed = new Map<number, string | undefined>();
  #changed: (() => void)[] = [];
  #tokens = 0;
  #gone = false;
  #rounds: number;

  /** @param rounds how often its host has asked before: ids stay different when its agent starts again */
  constructor(
    plan: ClientPlan,
    tuning: Tuning,
    target: { address: string; port: number },
    process: LabProcess,
    rounds = 0,
  ) {
    this.plan = plan;
    this.tuning = tuning;
    this.target = target;
    this.#process = process;
    this.#rounds = rounds;
  }

  get rounds(): number {
    return this.#rounds;
  }

  /** Its agent is no more: nothing of it is waited for. */
  vanish(): void {
    this.#open.clear();
    this.#opening.clear();
    this.#gone = true;
    this.#wake();
  }

  send(command: AgentCommand): void {
    this.#process.write(JSON.stringify(command));
  }

  /** What the agent told. */
  hear({ event, id, connection, token, problem }: AgentEvent): void {
    if ((event === 'reply' || event === 'failed') && id !== undefined) this.#open.delete(id);
    // One that the library gives up is not waited for: that it was refused is what happened.
    if (event === 'ready' && connection !== undefined) this.#ready.add(connection);
    if ((event === 'ready' || event === 'end') && connection !== undefined) this.#opening.delete(connection);
    if (event === 'performed' && token !== undefined) this.#performed.set(token, problem);
    this.#wake();
  }

  #wake(): void {
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
    return this.#until(allOf(ids, (id) => !this.#open.has(id)));
  }

  /**
   * Resolves once each of these connections is ready, or given up by its library. Call it before they are opened.
   * @returns how many are ready
   */
  async ready(connections: readonly number[]): Promise<number> {
    for (const connection of connections) {
      this.#opening.add(connection);
      this.#ready.delete(connection);
    }
    await this.#until(allOf(connections, (connection) => !this.#opening.has(connection)));
    return connections.filter((connection) => this.#ready.has(connection)).length;
  }

  /** Has its library do a verb. @throws LabError STEP_FAILED where that cannot be done now */
  async perform(command: Omit<Extract<AgentCommand, { do: 'perform' }>, 'do' | 'token'>): Promise<void> {
    const token = ++this.#tokens;
    this.send({ do: 'perform', token, ...command });
    await this.#until(() => this.#performed.has(token) || this.#gone);
    const problem = this.#performed.get(token);
    if (problem !== undefined)
      throw new LabError(
        'STEP_FAILED',
        `${this.plan.name} cannot ${command.verb}: ${problem}`,
        'look at what happens to its connections before: events.ndjson tells',
      );
  }
}

export interface ServerActor {
  plan: ServerPlan;
  server: Server;
  started: StartedServer;
  /** What it has applied, while it cannot be asked. */
  remembered?: string[];
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
  readonly arrivals = new Arrivals();
  /** Hosts whose cables are pulled. */
  readonly cut = new Set<string>();
  readonly #parking: Pick<LabWatch, 'park' | 'unpark'> | undefined;
  readonly #processes = new Map<string, LabProcess[]>();
  readonly #failed: (failure: unknown) => void;
  /** Rejects when a process of anybody dies although nobody asked for it, whenever it was started. */
  readonly died: Promise<never>;
  /** Starts a box again, or a server or an agent, after its host has lost them. */
  readonly startAgain: (host: HostPlan) => Promise<void>;

  /** @param parking where clocks jump: what stops servers while they have nothing to do */
  constructor(
    act: ActPlan,
    startAgain: (cast: Cast, host: HostPlan) => Promise<void>,
    parking?: Pick<LabWatch, 'park' | 'unpark'>,
  ) {
    this.act = act;
    this.#parking = parking;
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

  /** The process of a server that may be stopped while it has nothing to do. */
  #parkable(host: string): number | undefined {
    const { server, started } = this.servers.get(host) ?? {};
    return server?.onlyServes ? started?.process.child.pid : undefined;
  }

  /** Has a server stopped while it has nothing to do, where clocks jump; nothing happens to any other host. */
  park(host: string): void {
    const pid = this.#parkable(host);
    if (pid !== undefined) this.#parking?.park(pid);
  }

  async unpark(host: string): Promise<void> {
    const pid = this.#parkable(host);
    if (pid !== undefined) await this.#parking?.unpark(pid);
  }

  /** Ends all processes of a host at once (SIGKILL). */
  async kill(host: string): Promise<void> {
    await this.unpark(host);
    this.clients.get(host)?.vanish();
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
