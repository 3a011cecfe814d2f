import { connect, type Socket } from 'node:net';
import { later, type Timer } from '../../../src/base/timers.ts';
import type { OpenOptions } from '../../../src/talk/agent.ts';
import type { Failure } from '../../../src/talk/failure.ts';
import { endText } from '../../../src/wire/endpoint.ts';
import { systemFailure } from '../../system-failure.ts';
import { leastRequestBytes, MessageReader, PING_TEXT, PONG_TEXT, pushText, requestText } from '../../tcp-messages.ts';
import {
  abort,
  BARE,
  closeInOrder,
  closeUnread,
  halfClose,
  readOn,
  stopReading,
  tuneSocket,
} from '../../tcp-socket.ts';
import type { Connection, Library, LoadedLibrary, Report } from '../library.ts';

/** What a request meets that no system call has failed for. */
class TcpFailure extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, message: string) {
    super(message);
    this.name = 'TcpFailure';
    this.failure = failure;
  }
}

export const classify = (error: Error): Failure =>
  systemFailure(error) ?? (error instanceof TcpFailure ? error.failure : 'other');

const over = () => new TcpFailure('closed', 'the connection is over');

/** One socket. It connects and does what it is told; it neither closes nor reconnects of its own accord, without a timeout. */
class TcpConnection implements Connection {
  readonly #options: OpenOptions;
  readonly #report: Report;
  readonly #socket: Socket;
  /** Answers that are waited for, in the order of asking. Heartbeats have no id. */
  readonly #open = new Map<symbol, { id: string | undefined; settle: (error?: Error) => void }>();
  /** The time-out of the whole connection, while anything is waited for. */
  #silence: Timer | undefined;
  #error: Error | undefined;
  #peerClosed = false;

  constructor(options: OpenOptions, report: Report) {
    this.#options = options;
    this.#report = report;
    const { host, port } = options;
    const socket = connect({ host, port, autoSelectFamily: false, ...BARE });
    this.#socket = socket;
    const reader = new MessageReader((message) => {
      if (message.kind === 'answer') this.#answered(message.id);
      else if (message.kind === 'pong') this.#answered(undefined);
      else if (message.kind === 'ping') socket.write(PONG_TEXT);
      else if (message.kind === 'push') report('pushed', { bytes: message.bytes });
    });
    socket.on('connect', () => void this.#connected());
    socket.on('data', (chunk: Buffer) => {
      this.#heard();
      reader.read(chunk);
    });
    socket.on('error', (error) => {
      this.#error = error;
      report('error', { error });
    });
    socket.on('end', () => {
      this.#peerClosed = true;
      report('peer-closed');
      // No answer can come any more; what is asked from here on is still sent.
      this.#fail(new TcpFailure('closed', 'the other side has closed: no answer can come'));
    });
    socket.on('close', () => {
      this.#fail(this.#error ?? over());
      report('close');
      report('end');
    });
  }

  async #connected(): Promise<void> {
    const socket = this.#socket;
    await tuneSocket(socket, this.#options);
    const { localAddress, localPort } = socket;
    if (localAddress === undefined || localPort === undefined) return;
    this.#report('connect', { local: endText(localAddress, localPort) });
    this.#report('ready');
  }

  #fail(error: Error): void {
    for (const { settle } of [...this.#open.values()]) settle(error);
  }

  #answered(id: string | undefined): void {
    [...this.#open.values()].find((waiting) => waiting.id === id)?.settle();
  }

  /** The connection's time-out begins again; it runs while anything is waited for. */
  #heard(): void {
    const { socketTimeoutSeconds } = this.#options;
    if (socketTimeoutSeconds === undefined) return;
    this.#silence?.cancel();
    this.#silence = undefined;
    if (this.#open.size === 0) return;
    this.#silence = later(socketTimeoutSeconds, () => {
      this.#error = new TcpFailure('socket-timeout', `nothing has come for ${socketTimeoutSeconds} s`);
      this.#report('error', { error: this.#error });
      this.#socket.destroy();
    });
  }

  /** Writes, and waits for an answer. */
  #ask(text: string, id: string | undefined): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return Promise.reject(this.#error ?? over());
    const { commandTimeoutSeconds } = this.#options;
    return new Promise((resolve, reject) => {
      const key = Symbol();
      let patience: Timer | undefined;
      const settle = (error?: Error) => {
        patience?.cancel();
        this.#open.delete(key);
        this.#heard();
        if (error) reject(error);
        else resolve();
      };
      if (commandTimeoutSeconds !== undefined)
        patience = later(commandTimeoutSeconds, () =>
          settle(new TcpFailure('command-timeout', `no answer in ${commandTimeoutSeconds} s`)),
        );
      this.#open.set(key, { id, settle });
      if (this.#silence === undefined) this.#heard();
      socket.write(text, 'latin1');
      if (this.#peerClosed) settle(new TcpFailure('closed', 'sent; the other side has closed: no answer can come'));
    });
  }

  request(id: string, { bytes }: { bytes?: number } = {}): Promise<void> {
    return this.#ask(requestText(id, bytes), id);
  }

  heartbeat(): Promise<void> {
    return this.#ask(PING_TEXT, undefined);
  }

  close(): Promise<void> {
    return closeInOrder(this.#socket);
  }

  readonly verbs = {
    push: ({ bytes }: Record<string, unknown>) => {
      const socket = this.#socket;
      if (socket.destroyed || socket.writableEnded) throw over();
      socket.write(pushText(bytes as number), 'latin1');
    },
    'half-close': () => halfClose(this.#socket),
    abort: () => abort(this.#socket),
    'stop-reading': () => stopReading(this.#socket),
    'read-on': () => readOn(this.#socket),
    'close-unread': () => closeUnread(this.#socket),
  };
}

const load = async (): Promise<LoadedLibrary> => ({
  version: process.version,
  classify,
  open: (options, report) => new TcpConnection(options, report),
});

const library: Library = {
  speaks: 'tcp',
  can: ['push', 'close', 'half-close', 'abort', 'stop-reading', 'read-on', 'close-unread'],
  leastRequestBytes,
  load,
};
export default library;
