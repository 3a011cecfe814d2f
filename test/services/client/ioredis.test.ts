// What ioredis meets on this machine's loopback, and how its adapter classifies that: the library itself makes every failure
// that it can make without a network that loses packets.
import { createServer, type Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { describe, expect, it } from 'vitest';
import ioredis, { classify, filledUp, leastRequestBytes } from '../../../services/client/libraries/ioredis.ts';
import type { Connection } from '../../../services/client/library.ts';
import type { OpenOptions } from '../../../src/talk/agent.ts';
import type { Failure } from '../../../src/talk/failure.ts';

/** Answers what ioredis says in greeting, and hands over every other command. */
async function greeter(onCommand: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const [, name] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (/^rpush$/i.test(name as string)) onCommand(socket);
        else if (/^info$/i.test(name as string)) socket.write('$11\r\nloading:0\r\n\r\n');
        else socket.write('+OK\r\n');
      }
    });
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

/** The classes of all that happens on one connection, until there is one that is wanted. */
async function met(
  options: Omit<OpenOptions, 'host'>,
  wanted: Failure,
  then?: (connection: Connection) => void,
): Promise<Failure[]> {
  const library = await ioredis.load();
  const seen: Failure[] = [];
  let connection: Connection | undefined;
  await new Promise<void>((resolve) => {
    const note = (error: Error) => {
      seen.push(library.classify(error));
      if (seen.includes(wanted)) resolve();
    };
    connection = library.open({ host: '127.0.0.1', ...options }, (_, { error } = {}) => {
      if (error) note(error);
    });
    connection.request('1').catch(note);
    then?.(connection);
  });
  connection?.close();
  return seen;
}

describe('the ioredis adapter classifies', () => {
  it('a reset', async () => {
    await using server = await greeter((socket) => socket.resetAndDestroy());
    expect(await met({ port: server.port }, 'reset')).toEqual(['reset']);
  });
  it('its command timeout: the connection stays', async () => {
    await using server = await greeter(() => {});
    expect(await met({ port: server.port, commandTimeoutSeconds: 0.05 }, 'command-timeout')).toEqual([
      'command-timeout',
    ]);
  });
  it('its socket timeout: the connection is given up', async () => {
    await using server = await greeter(() => {});
    expect(await met({ port: server.port, socketTimeoutSeconds: 0.05 }, 'socket-timeout')).toContain('socket-timeout');
  });
  it('a port at which nobody listens', async () => {
    const { port } = await (async () => {
      await using server = await greeter(() => {});
      return server;
    })();
    expect(await met({ port }, 'refused')).toEqual(['refused']);
  });
  it('a connection that was closed with a command under way', async () => {
    await using server = await greeter(() => {});
    expect(await met({ port: server.port }, 'closed', (connection) => connection.close())).toEqual(['closed']);
  });
  it('a kernel that gave up, unlike the timer of a connection attempt that borrows the code', () => {
    const [errno] = [...getSystemErrorMap()].find(([, [name]]) => name === 'ETIMEDOUT') as [number, unknown];
    const code = 'ETIMEDOUT';
    expect(classify(Object.assign(new Error('read ETIMEDOUT'), { code, errno, syscall: 'read' }))).toBe(
      'kernel-timeout',
    );
    expect(classify(Object.assign(new Error('connect ETIMEDOUT'), { code, errorno: code, syscall: 'connect' }))).toBe(
      'socket-timeout',
    );
  });
  it('an answer that is an error as other, whatever it says', () => {
    expect(classify(new Error('ERR the command timed out, socket timeout, read ECONNRESET'))).toBe('other');
  });
});

it.each([leastRequestBytes('a-web-1-0'), 100, 1000, 5000])(
  'an ioredis request of %i bytes has so many by its protocol, or one less where no command is so long',
  (bytes) => {
    const id = filledUp('a-web-1-0', bytes);
    const written = `*3\r\n$5\r\nrpush\r\n$14\r\nidlelab:ledger\r\n$${id.length}\r\n${id}\r\n`.length;
    expect([bytes, bytes - 1]).toContain(written);
    expect(id.trimEnd()).toBe('a-web-1-0');
  },
);
