// Many listening ports in one process, each with socket options of its own for what it accepts: the server's side of a sweep.
//
// usage: listener <address> <JSON: a list of { port, … socket options }>
import { createServer } from 'node:net';
import { now } from '../../src/clock.ts';
import type { SocketOptions } from '../../src/linux/libc.ts';
import { applyWish, type SocketWish } from '../socket-wish.ts';

export type ListenerPort = SocketWish & { port: number };

export type ListenerEvent = { time: number } & (
  | { event: 'ready' }
  | { event: 'accepted'; port: number; peer: string; kernel: SocketOptions }
  /** `how`: an error's code, or "FIN". */
  | { event: 'ended'; port: number; peer: string; how: string }
);

type Said<T> = T extends unknown ? Omit<T, 'time'> : never;
const say = (event: Said<ListenerEvent>) => process.stdout.write(`${JSON.stringify({ time: now(), ...event })}\n`);

const [address, ports] = process.argv.slice(2) as [string, string];
const BACKLOG = 4096;

await Promise.all(
  (JSON.parse(ports) as ListenerPort[]).map(({ port, ...wish }) => {
    const server = createServer((socket) => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      const end = (how: string) => {
        say({ event: 'ended', port, peer, how });
        socket.destroy();
      };
      socket.setNoDelay(true);
      say({ event: 'accepted', port, peer, kernel: applyWish(socket, wish) });
      socket.setEncoding('utf8').on('data', (text: string) => socket.write(text.replaceAll('PING', 'PONG')));
      socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      socket.once('end', () => end('FIN'));
    });
    return new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, backlog: BACKLOG }, resolve);
    });
  }),
);
say({ event: 'ready' });
// Whoever started us is gone: so are we.
process.stdin.resume().on('end', () => process.exit(0));
