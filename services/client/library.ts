import type { OpenOptions } from '../../src/talk/agent.ts';
import type { Failure } from '../../src/talk/failure.ts';

/** What the lab asks of a client library. One file each in `libraries/`; the file's name is its word in a scenario. */
export interface Library {
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
  /** Appends `id` to the broker's ledger. Settles with the library's own answer, however long that takes. */
  request(id: string): Promise<void>;
  heartbeat(): Promise<void>;
  close(): void;
}

/** What happens to a connection, in the library's own events. `local` is "address:port" of the socket. */
export type Report = (
  event: 'connect' | 'ready' | 'error' | 'close' | 'reconnecting' | 'end',
  facts?: { local?: string; error?: Error; delaySeconds?: number },
) => void;
