// The raw TCP server: answers each whole request once, and does on its connections what it is told; nothing of its own accord,
// but for the timers of its tuning.
// Told by lines of JSON on standard input, telling by lines of JSON on standard output.
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { now } from '../../src/base/clock.ts';
import { every, later, sleep, type Timer } from '../../src/base/timers.ts';
import type { Listen, TcpServerCommand, TcpServerEvent } from '../../src/talk/tcp-server.ts';
import { endText } from '../../src/wire/endpoint.ts';
import { systemFailure } from '../system-failure.ts';
import { answerText, MessageReader, PING_TEXT, PONG_TEXT, pushText } from '../tcp-messages.ts';
import { abort, BARE, closeInOrder, closeUnread, halfClose, readOn, stopReading, tuneSocket } from '../tcp-socket.ts';

type Said<T> = T extends unknown ? Omit<T, 'time'> : never;
const say = (event: Said<TcpServerEvent>) => process.stdout.write(`${JSON.stringify({ time: now(), ...event })}\n`);

const BACKLOG = 4096;

interface Accepted {
  socket: Socket;
  address: string;
  /** Of one of its requests: who is on the other side, whatever address that has here. */
  id: string | undefined;
}
/** In the order in which they came. */
const connections = new Set<Accepted>();

function serve(socket: Socket, tuning: Listen): void {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  // It was gone before it could be looked at.
  if (localAddress === undefined || localPort === undefined || remoteAddress === undefined || remotePort === undefined)
    return;
  const accepted: Accepted = { socket, address: remoteAddress, id: undefined };
  const peer = endText(remoteAddress, remotePort);
  connections.add(accepted);
  say({ event: 'accepted', local: endText(localAddress, localPort), peer });
  void tuneSocket(socket, tuning);
  const write = (text: string) => {
    if (!socket.writableEnded && !socket.destroyed) socket.write(text, 'latin1');
  };
  const reader = new MessageReader((message) => {
    if (message.kind === 'ping') write(PONG_TEXT);
    if (message.kind !== 'request') return;
    accepted.id ??= message.id;
    say({ event: 'applied', id: message.id, peer });
    write(answerText(message.id));
  });
  const { heartbeatSeconds, socketTimeoutSeconds } = tuning;
  const beat = heartbeatSeconds === undefined ? undefined : every(heartbeatSeconds, () => write(PING_TEXT));
  let silence: Timer | undefined;
  const heard = () => {
    silence?.cancel();
    if (socketTimeoutSeconds !== undefined) silence = later(socketTimeoutSeconds, () => void closeInOrder(socket));
  };
  heard();
  let failed: NodeJS.ErrnoException | undefined;
  socket.on('data', (chunk: Buffer) => {
    heard();
    reader.read(chunk);
  });
  socket.on('end', () => say({ event: 'peer-closed', peer }));
  socket.on('error', (error) => {
    failed = error;
  });
  socket.on('close', () => {
    beat?.cancel();
    silence?.cancel();
    connections.delete(accepted);
    const why = failed && {
      failure: systemFailure(failed) ?? ('other' as const),
      code: String(failed.code ?? failed.name),
      message: failed.message,
    };
    say({ event: 'ended', peer, ...why });
  });
}

let tuning: Listen | undefined;
let listening: Server[] = [];

async function listen(): Promise<void> {
  const wanted = tuning;
  if (wanted === undefined || listening.length > 0) return;
  listening = await Promise.all(
    wanted.addresses.map(
      (address) =>
        new Promise<Server>((resolve, reject) => {
          const server = createServer(BARE, (socket) => serve(socket, wanted));
          server.once('error', reject);
          server.listen({ host: address, port: wanted.port, backlog: BACKLOG }, () => resolve(server));
        }),
    ),
  );
}

/** Closes the listening sockets: a SYN is answered by RST. What was accepted lives on. */
function refuse(): void {
  for (const server of listening) server.close();
  listening = [];
}

/** What it can be told to do on one of its connections. */
const ON_CONNECTIONS: Readonly<
  Record<string, (socket: Socket, params: Record<string, unknown>) => void | Promise<void>>
> = {
  push: (socket, { bytes }) => {
    if (socket.writableEnded || socket.destroyed) throw new Error('it has closed the connection to that side itself');
    socket.write(pushText(bytes as number), 'latin1');
  },
  close: closeInOrder,
  'half-close': halfClose,
  abort,
  'stop-reading': stopReading,
  'read-on': readOn,
  'close-unread': closeUnread,
};

async function perform(command: Extract<TcpServerCommand, { do: 'perform' }>): Promise<void> {
  const { token, verb, params, of, spreadSeconds } = command;
  const chosen = [...connections].filter(
    ({ address, id }) =>
      of === undefined || of.addresses.includes(address) || (id !== undefined && new RegExp(of.ids).test(id)),
  );
  try {
    if (verb === 'listen') await listen();
    else if (verb === 'refuse') refuse();
    else {
      const began = performance.now();
      for (const [index, { socket }] of chosen.entries()) {
        if (spreadSeconds !== undefined)
          await sleep((index * spreadSeconds) / chosen.length - (performance.now() - began) / 1000);
        await ON_CONNECTIONS[verb]?.(socket, params);
      }
      if (chosen.length === 0) throw new Error('it has no such connection');
    }
    say({ event: 'performed', token, connections: chosen.length });
  } catch (error) {
    say({ event: 'performed', token, connections: chosen.length, problem: (error as Error).message });
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as TcpServerCommand;
    if (command.do === 'perform') void perform(command);
    else if (command.do === 'tell') say({ event: 'told', token: command.token });
    else {
      tuning = command;
      void listen().then(() => say({ event: 'listening' }));
    }
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));
