import type { z } from 'zod';
import type { PathPlan } from './paths.ts';
import type { ActPlan, HostPlan, MiddleboxPlan, TakesAway, Tuning } from './plan.ts';
import type { IpFamily } from './topology.ts';

/** Things that a scenario may name, and what the planner asks of each; a catalogue of modules is one. */
export interface Things<T> {
  names(): readonly string[];
  /** @throws LabError UNKNOWN_NAME */
  load(name: string): Promise<{ default: T }>;
}

/** Why something cannot be had here, and what to do about it. */
export interface Refusal {
  what: string;
  todo: string;
}

/** What planning asks of the place where hosts are to live. */
export interface KnownPlace {
  readonly name: string;
  /**
   * Why it cannot play an act, and whose matter that is: a host of the act by its name, or the act's version of IP. Nothing is
   * started for that.
   */
  refuses?(
    act: Pick<ActPlan, 'hosts' | 'paths' | 'ip'>,
  ): Promise<(Refusal & ({ host: string } | { ip: true })) | undefined>;
}

/** What planning asks of a client library. */
export interface KnownClient {
  /** The file of src/stage/servers whose protocol it speaks; undefined for one that any server understands. */
  speaks?: string;
  /** Verbs that it can do beside those of every client (connect, request, close); files of src/stage/verbs, by name. */
  can: readonly string[];
  /** The least bytes in which one of its requests can carry an id, which shows where it was lost or came twice. */
  leastRequestBytes(id: string): number;
  /** Why a tuning cannot be given to it, or undefined when it can. */
  refuses?(tuning: Tuning): string | undefined;
}

/** What planning asks of a server. */
export interface KnownServer {
  /** The server whose protocol it speaks, a file of src/stage/servers; its own where it is left out. */
  speaks?: string;
  /** Verbs that it can do; files of src/stage/verbs, by name. */
  can?: readonly string[];
  /** Settings that are a client's elsewhere, and that it has as well. */
  ownTimers?: readonly ('heartbeatSeconds' | 'socketTimeoutSeconds')[];
  /** Why a tuning cannot be given to it, or undefined when it can. */
  refuses(tuning: Tuning): string | undefined;
}

/** What planning asks of a way to play a middlebox. */
export interface KnownBox {
  /** Of the value in a profile's `playedBy`. */
  params: z.ZodType;
  /** Whether connections are made to it, as to a balancer, or pass it on their way, as with a router. */
  entrance: boolean;
  /** Whether it shows its own address to what stands behind it, in the place of its clients'. */
  hidesClients(params: unknown): boolean;
  /** Why its kernel cannot forget its passages while it runs, as at a restart; undefined where it can. */
  keepsTable?: string;
  /** Why a scenario with these hosts cannot have it; undefined where it can. `behind`: what it leads to, by name. */
  refuses?(scenario: {
    box: Omit<MiddleboxPlan, 'entrance' | 'hidesClients'>;
    behind: readonly string[];
    hosts: readonly HostPlan[];
    ip: IpFamily;
  }): Refusal | undefined;
}

/** Where a verb is to be done. */
export interface Doing {
  act: string;
  host: HostPlan;
  hosts: readonly HostPlan[];
  paths: readonly PathPlan[];
  params: Record<string, unknown>;
  /** Of a client host: its library. */
  library?: KnownClient;
  /** Of a middlebox: what plays it. */
  box?: KnownBox;
}

/** What planning asks of a verb: something that a host does or suffers in a timeline. */
export interface KnownVerb {
  /** One line for people who write scenarios. */
  about: string;
  /** Its own parameters: an object type; durations and sizes by plan/params. */
  params: z.ZodType;
  /** Who can do it. A client or a server can where its library or program says so (`can`), if `needs` is set. */
  who: readonly HostPlan['role'][];
  /** Whether a client's library or a server's program must offer it. */
  offered?: boolean;
  /** Whether it is done on connections of a pool, so that a part of them may do it, one after another. */
  onConnections: boolean;
  takesAway: TakesAway;
  talks?: 'sends' | 'ends';
  /** Whether the step lasts until what it asked for has come. @param watched whether the next step is an `observe` */
  awaited(watched: boolean): boolean;
  /** How long its parameters make it last, seconds. */
  lasts?(params: Record<string, unknown>): number;
  /** Why a host cannot do it with these parameters where it stands; undefined where it can. */
  refuses?(doing: Doing): Refusal | undefined;
}

/** What planning asks of a check. */
export interface KnownCheck {
  params: z.ZodType;
}

/** What there is to stage and to judge with. Planning is told of it, so that it depends on none of it. */
export interface Known {
  clients: Things<KnownClient>;
  servers: Things<KnownServer>;
  boxes: Things<KnownBox>;
  verbs: Things<KnownVerb>;
  checks: Things<KnownCheck>;
}
