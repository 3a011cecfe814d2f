// Many connections in one process, each with socket options of its own: the client's side of a sweep. Told what to do by lines
// of JSON on standard input, tells what happens by lines of JSON on standard output. It decides nothing and judges nothing.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { now } from '../../src/clock.ts';
import type { SocketOptions } from '../../src/linux/libc.ts';
import { applyWish, type SocketWish } from '../socket-wish.ts';

export type SwarmCommand =
  | { do: 'open'; sockets: (SocketWish & { id: number; host: string; port: number })[] }
  /** One PING on each; what is dead says so. */
  | { do: 'ping'; ids: number[] };

export type SwarmEvent = { time: number } & (
  | { event: 'ready' }
  | { event: 'open'; id: number; local: string; kernel: SocketOptions }
  | { event: 'pong'; id: number }
  /** `how`: an error's code, or "FIN". */
  | { event: 'ended'; id: number; how: string }
);

type Said<T> = T extends unknown ? Omit<T, 'time'> : never;
const say = (event: Said<SwarmEvent>) => process.stdout.write(`${JSON.stringify({ time: now(), ...event })}\n`);
const sockets = new Map<number, Socket>();

function open({ id, host, port, ...wish }: Extract<SwarmCommand, { do: 'open' }>['sockets'][0]): void {
  const socket = connect({ host, port });
  sockets.set(id, socket);
  let over = false;
  const end = (how: string) => {
    if (over) return;
    over = true;
    say({ event: 'ended', id, how });
    socket.destroy();
  };
  socket.setNoDelay(true);
  socket.on('connect', () =>
    say({ event: 'open', id, local: `${socket.localAddress}:${socket.localPort}`, kernel: applyWish(socket, wish) }),
  );
  socket.setEncoding('utf8').on('data', (text: string) => {
    for (const _ of text.matchAll(/PONG\n/g)) say({ event: 'pong', id });
  });
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  socket.on('end', () => end('FIN'));
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as SwarmCommand;
    if (command.do === 'open') for (const socket of command.sockets) open(socket);
    else for (const id of command.ids) sockets.get(id)?.write('PING\n');
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));
say({ event: 'ready' });
