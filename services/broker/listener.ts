// Many listening ports in one process, each with settings of its own for what it accepts: the server's side of a sweep. A client
// says who it is first ("HELLO <trial> <which connection of it>").
//
// usage: listener <address>; then lines of JSON on standard input
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { now } from '../../src/base/clock.ts';
import { later } from '../../src/base/timers.ts';
import { socketTraffic } from '../../src/linux/libc.ts';
import type { ListenerCommand, ListenerEvent, ListenerPort } from '../../src/talk/listener.ts';
import { watchLateness } from '../lateness.ts';
import { LineTalk } from '../line-talk.ts';
import { applyWish, descriptorOf } from '../socket-wish.ts';

type Said<T> = T extends unknown ? Omit<T, 'time'> : never;
const say = (event: Said<ListenerEvent>) => process.stdout.write(`${JSON.stringify({ time: now(), ...event })}\n`);

const [address] = process.argv.slice(2) as [string];
const BACKLOG = 4096;
/** The first connection of every trial, while it lasts. */
const firsts = new Map<number, { socket: Socket; talk: LineTalk }>();

function serve(socket: Socket, wish: ListenerPort): void {
  const kernel = applyWish(socket, wish);
  let first: number | undefined;
  let over = false;
  const end = (how: string) => {
    if (over) return;
    over = true;
    if (first !== undefined) {
      firsts.delete(first);
      say({ event: 'ended', id: first, how });
    }
    socket.destroy();
  };
  const talk = new LineTalk(socket, (line) => {
    const [word, id, which] = line.split(' ') as [string, string, string?];
    if (word === 'HELLO') {
      if (which === '1') {
        first = Number(id);
        firsts.set(first, { socket, talk });
        say({ event: 'hello', id: first, kernel });
      }
      talk.say('WELCOME');
      talk.beat(wish, () => end('heartbeat'));
    } else if (word === 'DO') {
      say({ event: 'did', id: Number(id) });
      talk.say(`DONE ${id}`);
    }
  });
  socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  socket.once('end', () => end('FIN'));
}

const listen = (ports: readonly ListenerPort[]) =>
  Promise.all(
    ports.map(
      (wish) =>
        new Promise<void>((resolve, reject) => {
          const server = createServer((socket) => serve(socket, wish));
          server.once('error', reject);
          server.listen({ host: address, port: wish.port, backlog: BACKLOG }, resolve);
        }),
    ),
  );

const at = (time: number, work: () => void) => later(time - now(), work);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as ListenerCommand;
    if (command.do === 'listen') {
      if (command.realTime) watchLateness((seconds) => say({ event: 'late', seconds }));
      void listen(command.ports).then(() => say({ event: 'listening' }));
    } else if (command.do === 'push')
      at(command.at, () => {
        for (const id of command.ids) firsts.get(id)?.talk.say('PUSH');
      });
    else
      at(command.at, () => {
        for (const id of command.ids) {
          const connection = firsts.get(id);
          if (connection === undefined) continue;
          const { sinceHeardSeconds } = socketTraffic(descriptorOf(connection.socket));
          say({ event: 'looked', id, lastHeardAt: now() - sinceHeardSeconds });
        }
      });
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));
say({ event: 'ready' });
