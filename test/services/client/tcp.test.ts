// What the raw TCP client meets on this machine's loopback, what it writes, and what it leaves alone.
import { createServer, type Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { describe, expect, it } from 'vitest';
import tcp, { classify } from '../../../services/client/libraries/tcp.ts';
import type { Connection } from '../../../services/client/library.ts';
import { answerText, MessageReader } from '../../../services/tcp-messages.ts';
import type { OpenOptions } from '../../../src/talk/agent.ts';
import type { Failure } from '../../../src/talk/failure.ts';

async function listening(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Opens a connection. @returns it once `event` has happened on it, with all events until then */
async function opened(options: Omit<OpenOptions, 'host'>, event: string) {
  const library = await tcp.load();
  const events: string[] = [];
  const errors: Error[] = [];
  const waiting: { event: string; resolve(): void }[] = [];
  const until = (wanted: string) =>
    events.includes(wanted)
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          waiting.push({ event: wanted, resolve });
        });
  const connection = library.open({ host: '127.0.0.1', ...options }, (name, { error } = {}) => {
    events.push(name);
    if (error) errors.push(error);
    for (const each of waiting) if (each.event === name) each.resolve();
  });
  await until(event);
  return { connection, events, errors, until };
}

const failureOf = async (asked: Promise<void>): Promise<Failure | 'answered'> =>
  asked.then(
    () => 'answered' as const,
    (error) => classify(error as Error),
  );

const verb = (connection: Connection, name: string, params = {}) => connection.verbs?.[name]?.(params);

describe('the tcp client classifies', () => {
  it('a reset', async () => {
    await using server = await listening((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const { connection } = await opened({ port: server.port }, 'ready');
    expect(await failureOf(connection.request('a-1'))).toBe('reset');
  });
  it('its command timeout: the connection stays', async () => {
    await using server = await listening(() => {});
    const { connection, events } = await opened({ port: server.port, commandTimeoutSeconds: 0.05 }, 'ready');
    expect(await failureOf(connection.request('a-1'))).toBe('command-timeout');
    expect(events).toEqual(['connect', 'ready']);
    connection.close();
  });
  it('its socket timeout: the connection is given up', async () => {
    await using server = await listening(() => {});
    const { connection, events, until } = await opened({ port: server.port, socketTimeoutSeconds: 0.05 }, 'ready');
    expect(await failureOf(connection.request('a-1'))).toBe('socket-timeout');
    await until('end');
    expect(events).toEqual(['connect', 'ready', 'error', 'close', 'end']);
  });
  it('a port at which nobody listens, and tries no more', async () => {
    const { port } = await (async () => {
      await using server = await listening(() => {});
      return server;
    })();
    const { connection, events, errors } = await opened({ port }, 'end');
    expect(events).toEqual(['error', 'close', 'end']);
    expect(errors.map(classify)).toEqual(['refused']);
    expect(await failureOf(connection.request('a-1'))).toBe('refused');
  });
  it('a connection that the other side closes while a request is under way', async () => {
    await using server = await listening((socket) => socket.once('data', () => socket.end()));
    const { connection } = await opened({ port: server.port }, 'ready');
    expect(await failureOf(connection.request('a-1'))).toBe('closed');
    connection.close();
  });
  it.each([
    ['ETIMEDOUT', 'read', 'kernel-timeout'],
    ['EHOSTUNREACH', 'read', 'kernel-timeout'],
    ['EHOSTUNREACH', 'connect', 'other'],
    ['EPIPE', 'write', 'reset'],
  ] as const)('%s of %s as %s', (code, syscall, failure) => {
    const [errno] = [...getSystemErrorMap()].find(([, [name]]) => name === code) as [number, unknown];
    expect(classify(Object.assign(new Error(code), { code, errno, syscall }))).toBe(failure);
  });
});

describe('the tcp client', () => {
  it('sends nothing when it connects, and a request of exactly as many bytes as asked for, which is answered once', async () => {
    const came: Buffer[] = [];
    await using server = await listening((socket) => {
      const reader = new MessageReader((message) => {
        if (message.kind === 'request') socket.write(answerText(message.id));
      });
      socket.on('data', (chunk) => {
        came.push(chunk);
        reader.read(chunk);
      });
    });
    const { connection } = await opened({ port: server.port }, 'ready');
    await Promise.all([connection.request('a-1', { bytes: 100 }), connection.request('a-2', { bytes: 5000 })]);
    expect(Buffer.concat(came)).toHaveLength(5100);
    connection.close();
  });
  it('keeps a connection that the other side has closed, and still sends on it', async () => {
    let came = '';
    let heard: () => void = () => {};
    const more = new Promise<void>((resolve) => {
      heard = resolve;
    });
    await using server = await listening((socket) => {
      socket.end();
      socket.on('data', (chunk) => {
        came += chunk;
        heard();
      });
    });
    const { connection, events } = await opened({ port: server.port }, 'peer-closed');
    verb(connection, 'push', { bytes: 3 });
    await more;
    expect(came).toBe('..\n');
    expect(events).not.toContain('close');
    connection.close();
  });
  it('still reads after it has closed its own direction', async () => {
    await using server = await listening((socket) => socket.on('end', () => socket.end('.\n')));
    const { connection, events, until } = await opened({ port: server.port }, 'ready');
    verb(connection, 'half-close');
    await until('end');
    expect(events).toEqual(['connect', 'ready', 'pushed', 'peer-closed', 'close', 'end']);
  });
  it('says so where it is to close with data unread and there is none', async () => {
    await using server = await listening(() => {});
    const { connection } = await opened({ port: server.port }, 'ready');
    await expect(verb(connection, 'close-unread')).rejects.toThrow(/nothing has come/);
    connection.close();
  });
  it('closes with data unread: the other side is reset', async () => {
    let met: (code: string | undefined) => void = () => {};
    const reset = new Promise<string | undefined>((resolve) => {
      met = resolve;
    });
    let other: Socket | undefined;
    await using server = await listening((socket) => {
      other = socket;
      socket.on('error', ({ code }: NodeJS.ErrnoException) => met(code));
      socket.on('end', () => met('FIN'));
      socket.resume();
    });
    const { connection } = await opened({ port: server.port }, 'ready');
    verb(connection, 'stop-reading');
    await new Promise((resolve) => other?.write('unread\n', resolve));
    await verb(connection, 'close-unread');
    expect(await reset).toBe('ECONNRESET');
  });
});
