// What Node's sockets can be made to do on the wire, and how; the one place that knows it.
import type { Socket } from 'node:net';
import { descriptorOf } from './socket-wish.ts';

/** Of a socket's handle, which Node keeps to itself. */
interface Handle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
}
const handleOf = (socket: Socket): Handle | null => (socket as unknown as { _handle: Handle | null })._handle;

/** Unlike once() of node:events it takes no error for its own: whoever opened the socket hears of that. */
const once = (socket: Socket, event: 'close' | 'finish'): Promise<void> =>
  new Promise((resolve) => {
    socket.once(event, () => resolve());
    // Whatever else happens, it is over then.
    if (event !== 'close') socket.once('close', () => resolve());
  });

const isOver = (socket: Socket): boolean => socket.destroyed || handleOf(socket) === null;

/** What our sockets are opened with: nothing is sent or closed but at a word. */
export const BARE = { allowHalfOpen: true, noDelay: true } as const;

/**
 * FIN after all that was written, then close(2). Where data has come that was not read the kernel sends RST instead
 * (tcp_close(), RFC 2525, 2.17).
 */
export async function closeInOrder(socket: Socket): Promise<void> {
  if (isOver(socket)) return;
  // What the other side has no room for may never leave: nobody waits for that.
  const flushed = socket.writableLength === 0;
  const closed = once(socket, 'close');
  socket.destroySoon();
  if (flushed) await closed;
}

/** shutdown(SHUT_WR): FIN; what the other side sends is read on. */
export async function halfClose(socket: Socket): Promise<void> {
  if (isOver(socket) || socket.writableEnded) return;
  const flushed = socket.writableLength === 0;
  const sent = once(socket, 'finish');
  socket.end();
  if (flushed) await sent;
}

/** close(2) with SO_LINGER 0: RST. */
export async function abort(socket: Socket): Promise<void> {
  if (isOver(socket)) return;
  const closed = once(socket, 'close');
  socket.resetAndDestroy();
  await closed;
}

/**
 * From here on what comes stays in the kernel, whose receive window closes in the end. `pause()` alone would read on until
 * Node's own buffer is full.
 */
export function stopReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === null || isOver(socket)) return;
  socket.pause();
  handle.reading = false;
  handle.readStop();
}

/** Undoes `stopReading`. */
export function readOn(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === null || isOver(socket)) return;
  handle.reading = true;
  handle.readStart();
  socket.resume();
}

/**
 * close(2) with data that has come and was not read: RST (tcp_close(), RFC 2525, 2.17).
 * @throws Error where nothing unread is there: the kernel would send FIN
 */
export async function closeUnread(socket: Socket): Promise<void> {
  const { unreadBytes } = await import('../src/linux/libc.ts');
  if (isOver(socket)) return;
  stopReading(socket);
  if (unreadBytes(descriptorOf(socket)) === 0)
    throw new Error('nothing has come that is not read yet: have it stop reading, and the other side send, before');
  socket.destroy();
}

/** Gives a socket its options, those of a tuning alone; all others stay as the kernel has them. */
export async function tuneSocket(
  socket: Socket,
  tuning: {
    keepalive?: { idleSeconds: number; intervalSeconds?: number; probes?: number } | 'off';
    userTimeoutSeconds?: number;
  },
): Promise<void> {
  const { keepalive, userTimeoutSeconds } = tuning;
  if (typeof keepalive !== 'object' && userTimeoutSeconds === undefined) return;
  const { setKeepalive, setUserTimeout } = await import('../src/linux/libc.ts');
  if (isOver(socket)) return;
  const fd = descriptorOf(socket);
  if (typeof keepalive === 'object') setKeepalive(fd, keepalive);
  if (userTimeoutSeconds !== undefined) setUserTimeout(fd, Math.round(userTimeoutSeconds * 1000));
}
