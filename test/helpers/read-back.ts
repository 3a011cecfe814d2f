// What the kernel has on a socket that somebody's client opened towards us.
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import type { KernelSocketOptions } from '../../src/stage/lab.ts';
import { lookAtSockets } from '../../src/stage/look.ts';

/** A server that accepts and says nothing, or what it is told to say. */
export async function silentServer(
  onSocket: (socket: Socket) => void = () => {},
): Promise<{ port: number; server: Server } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What getsockopt(2) says of a process's connection to, or from, a port; undefined where there is none yet. */
export function optionsOf(pid: number, port: number, end: 'local' | 'peer'): KernelSocketOptions | undefined {
  return lookAtSockets([pid]).find(
    (socket) => socket[end].endsWith(`:${port}`) && socket.state === 'ESTABLISHED' && socket.kernel,
  )?.kernel;
}

/** Waits until something is there. */
export async function soon<T>(look: () => T | undefined): Promise<T> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it did not come in ten seconds');
}

/** Where a program is, if it is installed. */
export const programAt = (name: string): string | undefined =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin']
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));

/** Whether a test of a program must be skipped: it is not installed. In CI nothing is skipped, so there the test fails. */
export const lacks = (name: string): boolean => programAt(name) === undefined && process.env.CI === undefined;
