import type { Socket } from 'node:net';
import description from 'ioredis/package.json' with { type: 'json' };
import type { OpenOptions } from '../../../src/talk/agent.ts';
import type { Failure } from '../../../src/talk/failure.ts';
import { LEDGER } from '../../../src/talk/ledger.ts';
import { endText } from '../../../src/wire/endpoint.ts';
import { systemFailure } from '../../system-failure.ts';
import { abort, halfClose } from '../../tcp-socket.ts';
import type { Connection, Library, LoadedLibrary, Report } from '../library.ts';

const milliseconds = (seconds: number) => Math.round(seconds * 1000);

/** Its own timers' errors have neither a class nor a code: words are all there is (Command.js, Redis.js of 5.4 to 6.0). */
const OWN_TIMERS: readonly (readonly [RegExp, Failure])[] = [
  [/^Command timed out$/, 'command-timeout'],
  [/^Socket timeout\b/, 'socket-timeout'],
  [/^connect ETIMEDOUT$/, 'socket-timeout'],
];
/** What commands meet that are flushed when a connection has ended: by class where there is one. */
const FLUSHED = new Set(['AbortError', 'MaxRetriesPerRequestError']);
const CLOSED = 'Connection is closed.';

export function classify(error: Error): Failure {
  const failure = systemFailure(error) ?? OWN_TIMERS.find(([words]) => words.test(error.message))?.[1];
  if (failure !== undefined) return failure;
  return FLUSHED.has(error.name) || error.message === CLOSED ? 'closed' : 'other';
}

const argument = (length: number) => `$${length}\r\n`.length + length + '\r\n'.length;
/** Of the command that appends to the ledger (RESP: an array of bulk strings), with an id of that length. */
const requestBytes = (length: number) =>
  '*3\r\n'.length + argument('rpush'.length) + argument(LEDGER.length) + argument(length);

export const leastRequestBytes = (id: string): number => requestBytes(id.length);

/**
 * An id, with spaces, whose command is so long. Where one digit more in its length makes the length itself jump, there is no such
 * command: it is a byte shorter then.
 */
export function filledUp(id: string, bytes: number): string {
  let length = bytes - requestBytes(0);
  while (requestBytes(length) > bytes) length--;
  return id.padEnd(length);
}

/** ioredis with its own defaults, but for what the tuning names. One Redis object is one connection. */
const load = async (): Promise<LoadedLibrary> => {
  const { Redis } = await import('ioredis');
  return {
    version: description.version,
    classify,
    open(options: OpenOptions, report: Report): Connection {
      const { keepalive } = options;
      const redis = new Redis({
        host: options.host,
        port: options.port,
        // `false` is not in its types, but is how ioredis is told to leave SO_KEEPALIVE alone (it tests for a number).
        ...(keepalive === undefined
          ? {}
          : { keepAlive: keepalive === 'off' ? (false as unknown as number) : milliseconds(keepalive.idleSeconds) }),
        ...(options.commandTimeoutSeconds === undefined
          ? {}
          : { commandTimeout: milliseconds(options.commandTimeoutSeconds) }),
        ...(options.socketTimeoutSeconds === undefined
          ? {}
          : { socketTimeout: milliseconds(options.socketTimeoutSeconds) }),
      });
      const socket = () => (redis as unknown as { stream?: Socket }).stream;
      const openSocket = () => {
        const stream = socket();
        if (stream === undefined || stream.destroyed) throw new Error('it has no socket at this moment');
        return stream;
      };
      redis.on('connect', () => {
        const stream = socket();
        // ioredis has an option for idle alone; interval and count are for Node itself (>= 24.19).
        if (
          stream &&
          typeof keepalive === 'object' &&
          (keepalive.intervalSeconds !== undefined || keepalive.probes !== undefined)
        )
          stream.setKeepAlive(
            true,
            milliseconds(keepalive.idleSeconds),
            milliseconds(keepalive.intervalSeconds ?? 1),
            keepalive.probes ?? 10,
          );
        const { localAddress, localPort } = stream ?? {};
        report(
          'connect',
          localAddress === undefined || localPort === undefined ? {} : { local: endText(localAddress, localPort) },
        );
      });
      redis.on('ready', () => report('ready'));
      redis.on('error', (error: Error) => report('error', { error }));
      redis.on('close', () => report('close'));
      redis.on('reconnecting', (delay: number) => report('reconnecting', { delaySeconds: delay / 1000 }));
      redis.on('end', () => report('end'));
      return {
        // The server keeps an id as it comes; whoever reads the ledger takes no notice of what fills it up.
        request: async (id, { bytes } = {}) => {
          await redis.rpush(LEDGER, bytes === undefined ? id : filledUp(id, bytes));
        },
        heartbeat: async () => {
          await redis.ping();
        },
        close: () => redis.disconnect(),
        // ioredis itself knows nothing of these: they are done to the socket under it, and it meets what follows.
        verbs: {
          'half-close': () => halfClose(openSocket()),
          abort: () => abort(openSocket()),
        },
      };
    },
  };
};

const library: Library = { speaks: 'redis', can: ['close', 'half-close', 'abort'], leastRequestBytes, load };
export default library;
