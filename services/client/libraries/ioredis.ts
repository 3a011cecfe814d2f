import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { Redis } from 'ioredis';
import { LEDGER } from '../../broker/broker.ts';
import type { Connection, Library, OpenOptions, Report } from '../library.ts';

const milliseconds = (seconds: number) => Math.round(seconds * 1000);

/** ioredis with its own defaults, but for what the tuning names. One Redis object is one connection. */
const library: Library = {
  version: (createRequire(import.meta.url)('ioredis/package.json') as { version: string }).version,
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
      report('connect', stream ? { local: `${stream.localAddress}:${stream.localPort}` } : {});
    });
    redis.on('ready', () => report('ready'));
    redis.on('error', (error: NodeJS.ErrnoException) =>
      report('error', { code: error.code ?? error.name, message: error.message }),
    );
    redis.on('close', () => report('close'));
    redis.on('reconnecting', (delay: number) => report('reconnecting', { delaySeconds: delay / 1000 }));
    redis.on('end', () => report('end'));
    return {
      request: async (id) => {
        await redis.rpush(LEDGER, id);
      },
      heartbeat: async () => {
        await redis.ping();
      },
      close: () => redis.disconnect(),
    };
  },
};
export default library;
