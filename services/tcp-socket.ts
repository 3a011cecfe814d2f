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

const isOver = (socket: Socket): boolean => socket.destroyed || handleOf(socket) === null;

/** What our sockets are opened with: nothing is sent or closed but at a word. */
export const BARE = { allowHalfOpen: true, noDelay: true } as const;

/**
 * FIN after all that was written, then close(2). Where data has come that was not read the kernel sends RST instead
 * (tcp_close(), RFC 2525, 2.17).
 */
export function closeInOrder(socket: Socket): void {
  if (!isOver(socket)) socket.destroySoon();
}

/** shutdown(SHUT_WR): FIN; what the other side sends is read on. */
export function halfClose(socket: Socket): void {
  if (!isOver(socket)) socket.end();
}

/** close(2) with SO_LINGER 0: RST. */
export function abort(socket: Socket): void {
  if (!isOver(socket)) socket.resetAndDestroy();
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
