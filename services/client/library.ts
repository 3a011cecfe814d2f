import type { OpenOptions } from '../../src/talk/agent.ts';
import type { Failure } from '../../src/talk/failure.ts';

/** What planning asks of a library (KnownClient of src/plan), which is read without loading it. */
interface Described {
  /** The server whose protocol it speaks, a file of src/stage/servers; undefined for one that any server understands. */
  speaks?: string;
  /** Verbs that it can do beside connecting and requests; files of src/stage/verbs, by name. */
  can: readonly string[];
  /** The least bytes in which one of its requests can carry an id. */
  leastRequestBytes(id: string): number;
}

/** What the lab asks of a client library. One file each in `libraries/`; the file's name is its word in a scenario. */
export interface Library extends Described {
  /** Loads the library itself, on the host that runs it. How it is configured is told in src/advice. */
  load(): Promise<LoadedLibrary>;
}

export interface LoadedLibrary {
  readonly version: string;
  /**
   * What an error of this library means. Where the library distinguishes errors by nothing but words, this is the only place
   * that may read them: no one else looks at a message.
   */
  classify(error: Error): Failure;
  open(options: OpenOptions, report: Report): Connection;
}

export interface Connection {
  /**
   * Appends `id` to the server's ledger. Settles with the library's own answer, however long that takes.
   * @param bytes how long the request is, where the timeline says so
   */
  request(id: string, options?: { bytes?: number }): Promise<void>;
  heartbeat(): Promise<void>;
  close(): void | Promise<void>;
  /**
   * What else it can do, by the verb's name in a timeline: those that the library's `can` names. Throws where it cannot be done
   * now: the step fails, and says why.
   */
  verbs?: Readonly<Record<string, (params: Record<string, unknown>) => void | Promise<void>>>;
}

/**
 * What happens to a connection, in the library's own events. `local` is "address:port" of the socket.
 *
 * - `peer-closed`: the other side sends no more (FIN); the connection may live on
 * - `pushed`: the other side has sent so many bytes that nobody asked for
 * - `end`: it is over, and the library tries no more to have it back
 */
export type Report = (
  event: 'connect' | 'ready' | 'error' | 'peer-closed' | 'pushed' | 'close' | 'reconnecting' | 'end',
  facts?: { local?: string; error?: Error; delaySeconds?: number; bytes?: number },
) => void;
