import type { Socket } from 'node:net';
import { ownSocketOptions, type SocketOptions, setUserTimeout } from '../src/linux/libc.ts';
import type { SocketWish } from '../src/talk/socket-wish.ts';

/** The descriptor of a socket, which Node keeps to itself. */
export const descriptorOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;

/** Gives a connected socket its options; what the kernel made of them is asked of the kernel. */
export function applyWish(socket: Socket, { keepalive, userTimeoutSeconds }: SocketWish): SocketOptions {
  if (keepalive)
    socket.setKeepAlive(true, keepalive.idleSeconds * 1000, keepalive.intervalSeconds * 1000, keepalive.probes);
  if (userTimeoutSeconds !== undefined) setUserTimeout(descriptorOf(socket), userTimeoutSeconds * 1000);
  return ownSocketOptions(descriptorOf(socket));
}
