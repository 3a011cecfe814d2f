import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LabError, messageOf } from '../../base/errors.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import { eventDescriptor } from '../../linux/libc.ts';
import type { LabWatch, WatchOrder } from '../lab.ts';
import type { LostEvidence } from '../record.ts';

/** An order, with where each host's network is. */
export interface ThreadOrder extends Omit<WatchOrder, 'hosts'> {
  /** `namespace`: a path that opens the host's network namespace; undefined for the one that the thread is in. */
  hosts: { name: string; namespace: string | undefined; capture: string }[];
}

export type WatchCommand =
  | { do: 'start'; order: ThreadOrder }
  | { do: 'attend' }
  | { do: 'park' | 'unpark'; pid: number }
  | { do: 'stop' };
export type WatchAnswer = { did: 'start' | 'unpark' } | { did: 'stop'; lost: LostEvidence };

const ONE = Buffer.alloc(8);
ONE.writeBigUInt64LE(1n);

/**
 * Writes down packets, ends of sockets, and beginnings and ends of flows as the kernel tells of them, on a thread of its own
 * (thread.ts). One for all acts of a run.
 */
export class Watcher implements Disposable {
  readonly #wake = eventDescriptor();
  readonly #worker: Worker;
  /** Rejects when the thread fails; evidence would be missing. */
  readonly died: Promise<never>;
  /** Set to 1 for the thread's end. Told by memory, for a message would come too late where the process itself ends. */
  readonly #over = new Int32Array(new SharedArrayBuffer(4));
  readonly #end = () => {
    Atomics.store(this.#over, 0, 1);
    this.#raise();
  };

  constructor() {
    this.#worker = new Worker(join(codeRoot, `src/stage/watch/thread${moduleExtension}`), {
      workerData: { wake: this.#wake, over: this.#over },
      // Its heap holds one burst of packets.
      resourceLimits: { maxYoungGenerationSizeMb: 16 },
    });
    this.died = new Promise((_, reject) => {
      this.#worker.once('error', (error) =>
        reject(
          new LabError(
            'NO_NETWORK',
            `the lab cannot watch its network: ${messageOf(error)}`,
            'it needs packet sockets and connection tracking inside its own namespaces; the message tells what the kernel refused',
            error,
          ),
        ),
      );
    });
    this.died.catch(() => {});
    // A thread that sleeps in the kernel would keep the process from ending.
    process.once('exit', this.#end);
  }

  #raise(): void {
    writeSync(this.#wake, ONE);
  }

  #tell(command: WatchCommand): void {
    this.#worker.postMessage(command);
    this.#raise();
  }

  #answered<K extends WatchAnswer['did']>(what: K): Promise<Extract<WatchAnswer, { did: K }>> {
    const answer = new Promise<Extract<WatchAnswer, { did: K }>>((resolve) => {
      const hear = (message: WatchAnswer) => {
        if (message.did !== what) return;
        this.#worker.off('message', hear);
        resolve(message as Extract<WatchAnswer, { did: K }>);
      };
      this.#worker.on('message', hear);
    });
    return Promise.race([answer, this.died]);
  }

  /** From the moment that this resolves nothing is missed. @throws LabError NO_NETWORK */
  async start(order: ThreadOrder): Promise<void> {
    const started = this.#answered('start');
    this.#tell({ do: 'start', order });
    await started;
  }

  /** Something is about to happen: many packets may come at once. */
  attend(): void {
    this.#tell({ do: 'attend' });
  }

  /** Stops a server whenever it has nothing to do, see Parking. */
  park(pid: number): void {
    this.#tell({ do: 'park', pid });
  }

  /** Undoes `park`: once this resolves it runs, and nobody stops or continues it any more. */
  async unpark(pid: number): Promise<void> {
    const unparked = this.#answered('unpark');
    this.#tell({ do: 'unpark', pid });
    await unparked;
  }

  /** Ends the watch of this act. @returns what the kernel had to drop */
  async stop(): Promise<LostEvidence> {
    const stopped = this.#answered('stop');
    this.#tell({ do: 'stop' });
    return (await stopped).lost;
  }

  /** The watch over hosts whose networks are namespaces of this kernel. */
  within(namespaceOf: (host: string) => string): LabWatch {
    return {
      died: this.died,
      start: (order) =>
        this.start({ ...order, hosts: order.hosts.map((host) => ({ ...host, namespace: namespaceOf(host.name) })) }),
      attend: () => this.attend(),
      park: (pid) => this.park(pid),
      unpark: (pid) => this.unpark(pid),
      stop: () => this.stop(),
    };
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#end);
    this.#end();
  }
}
