import type { KnownServer } from '../plan/known.ts';
import type { Tuning } from '../plan/plan.ts';
import type { LabHost, LabProcess } from './lab.ts';

export interface ServerContext {
  host: LabHost;
  /** Scratch folder on it. */
  folder: string;
  tuning: Tuning;
  /** Writes a rendered configuration where the run keeps it. @returns the file's path on the host */
  writeConfig(name: string, text: string): Promise<string>;
  /** Something that the server tells of itself, for the evidence. */
  onEvent(event: { time: number; event: string } & Record<string, unknown>): void;
}

/** Some of a server's connections: those of one client. */
export interface ConnectionsOf {
  client: string;
  /** The client's own; boxes on the way may show others. */
  addresses: readonly string[];
  /** The form of its requests' ids. */
  ids: RegExp;
}

/** A server that takes connections. */
export interface StartedServer {
  process: LabProcess;
  /** The identifiers of the messages it has applied, in order, asked without touching the network under test. */
  ledger(): Promise<string[]>;
  /**
   * Does one of the verbs that it can (`can`) on its connections, all or those of a client.
   * @throws LabError STEP_FAILED where it cannot be done now
   */
  perform?(
    verb: string,
    params: Record<string, unknown>,
    options?: { of?: ConnectionsOf; spreadSeconds?: number },
  ): Promise<void>;
}

/** An MQ-like server. One file each in `servers/`; the file's name is its word in a scenario. */
export interface Server extends KnownServer {
  port: number;
  /**
   * True when, as configured here, it does nothing of its own that anyone could see: it may be stopped while no socket of
   * its has anything for it.
   */
  onlyServes: boolean;
  /** Whether it tells of every connection that it accepts (an event `accepted`). */
  tellsAccepted?: true;
  start(context: ServerContext): Promise<StartedServer>;
}
