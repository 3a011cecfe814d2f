import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

/** The few C library calls that Node lacks. Each throws with the call's name and errno. */
const libc = koffi.load('libc.so.6');
const c = {
  setns: libc.func('int setns(int, int)'),
  ifNameToIndex: libc.func('unsigned int if_nametoindex(const char *)'),
  syscall: libc.func('long syscall(long, long, long, long)'),
  getsockopt: libc.func('int getsockopt(int, int, int, _Out_ int *, _Inout_ uint32_t *)'),
  close: libc.func('int close(int)'),
};

const CLONE_NEWNET = 0x40000000;
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;

function check(call: string, result: number): number {
  if (result < 0)
    throw Object.assign(new Error(`${call} failed with errno ${koffi.errno()}`), { errno: koffi.errno() });
  return result;
}

const homeNamespace = openSync('/proc/self/ns/net', 'r');

/**
 * Runs synchronous code inside another network namespace: sockets it opens, processes it starts and /proc/sys/net it
 * writes belong there. Only this thread moves, and it comes back even when the code throws.
 */
export function inNamespace<T>(namespaceFd: number, work: () => T): T {
  check('setns', c.setns(namespaceFd, CLONE_NEWNET));
  try {
    return work();
  } finally {
    check('setns', c.setns(homeNamespace, CLONE_NEWNET));
  }
}

export const openNamespace = (path: string): number => openSync(path, 'r');
export const closeNamespace = (fd: number): void => closeSync(fd);
export const interfaceIndex = (name: string): number => c.ifNameToIndex(name) as number;

const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const SO_KEEPALIVE = 9;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;

/** What getsockopt(2) says of a TCP socket. Seconds, but for the user timeout (ms, 0 = not set). */
export interface SocketOptions {
  keepalive: boolean;
  idleSeconds: number;
  intervalSeconds: number;
  probes: number;
  userTimeoutMs: number;
}

function option(fd: number, level: number, name: number): number {
  const value = [0];
  check('getsockopt', c.getsockopt(fd, level, name, value, [4]));
  return value[0] as number;
}

/** Asks the kernel about a socket of another process, through a duplicate of its descriptor (pidfd_getfd(2)). */
export function socketOptions(pid: number, descriptor: number): SocketOptions {
  const pidfd = check('pidfd_open', Number(c.syscall(SYS_PIDFD_OPEN, pid, 0, 0)));
  try {
    const fd = check('pidfd_getfd', Number(c.syscall(SYS_PIDFD_GETFD, pidfd, descriptor, 0)));
    try {
      return {
        keepalive: option(fd, SOL_SOCKET, SO_KEEPALIVE) !== 0,
        idleSeconds: option(fd, IPPROTO_TCP, TCP_KEEPIDLE),
        intervalSeconds: option(fd, IPPROTO_TCP, TCP_KEEPINTVL),
        probes: option(fd, IPPROTO_TCP, TCP_KEEPCNT),
        userTimeoutMs: option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
      };
    } finally {
      c.close(fd);
    }
  } finally {
    c.close(pidfd);
  }
}
