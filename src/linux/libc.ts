import { closeSync, existsSync, openSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import koffi from 'koffi';
import { systemCall } from './system-calls.ts';

/** The few C library calls that Node lacks. Each throws with the call's name and errno. */
const libc = koffi.load('libc.so.6');
const c = {
  setns: libc.func('int setns(int, int)'),
  unshare: libc.func('int unshare(int)'),
  ifNameToIndex: libc.func('unsigned int if_nametoindex(const char *)'),
  syscall: libc.func('long syscall(long, long, long, long)'),
  finitModule: libc.func('syscall', 'long', ['long', 'long', 'const uint8_t *', 'long']),
  getsockopt: libc.func('int getsockopt(int, int, int, uint8_t *, uint8_t *)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const uint8_t *, uint32_t)'),
  sendto: libc.func('long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)'),
  recv: libc.func('long recv(int, uint8_t *, size_t, int)'),
  poll: libc.func('int poll(uint8_t *, unsigned long, int)'),
  mmap: libc.func('void *mmap(void *, size_t, int, int, int, int64_t)'),
  munmap: libc.func('int munmap(void *, size_t)'),
  madvise: libc.func('int madvise(void *, size_t, int)'),
  clock_getres: libc.func('int clock_getres(int, uint8_t *)'),
  eventfd: libc.func('int eventfd(unsigned int, int)'),
  ioctl: libc.func('int ioctl(int, unsigned long, uint8_t *)'),
  close: libc.func('int close(int)'),
};

const CLONE_NEWNET = 0x40000000;
const SOCK_CLOEXEC = 0x80000;
const EFD_CLOEXEC = 0x80000;

/** errno(3) values that callers tell apart. */
export const ERRNO = { EINTR: 4, EAGAIN: 11, ENOBUFS: 105 } as const;

export interface SystemCallError extends Error {
  errno: number;
}

function failed(call: string): SystemCallError {
  const errno = koffi.errno();
  return Object.assign(new Error(`${call} failed with errno ${errno}`), { errno });
}

function check(call: string, result: number): number {
  if (result < 0) throw failed(call);
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

/** A network namespace of its own, which lives as long as the returned descriptor or anything in it. */
export function newNamespace(): number {
  check('unshare', c.unshare(CLONE_NEWNET));
  try {
    return openSync('/proc/thread-self/ns/net', 'r');
  } finally {
    check('setns', c.setns(homeNamespace, CLONE_NEWNET));
  }
}

export const openNamespace = (path: string): number => openSync(path, 'r');
export const closeNamespace = (fd: number): void => closeSync(fd);
export const interfaceIndex = (name: string): number => c.ifNameToIndex(name) as number;

/** socket(2); it is not passed on to programs that are started. */
export const socket = (family: number, type: number, protocol: number): number =>
  check('socket', c.socket(family, type | SOCK_CLOEXEC, protocol));

export const bind = (fd: number, address: Buffer): void => {
  check('bind', c.bind(fd, address, address.length));
};

export const setOption = (fd: number, level: number, name: number, value: Buffer): void => {
  check('setsockopt', c.setsockopt(fd, level, name, value, value.length));
};

/** @param size bytes that the option has */
export function getOption(fd: number, level: number, name: number, size: number): Buffer {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  check('getsockopt', c.getsockopt(fd, level, name, value, length));
  return value;
}

/** sendto(2); without an address send(2). */
export const send = (fd: number, bytes: Buffer, address?: Buffer): void => {
  check('sendto', Number(c.sendto(fd, bytes, bytes.length, 0, address ?? null, address?.length ?? 0)));
};

const MSG_DONTWAIT = 0x40;

/** recv(2) into a buffer. @returns its length, or undefined where nothing waits and we were told not to. */
export function receive(fd: number, buffer: Buffer, { wait }: { wait: boolean }): number | undefined {
  for (;;) {
    const length = Number(c.recv(fd, buffer, buffer.length, wait ? 0 : MSG_DONTWAIT));
    if (length >= 0) return length;
    const error = failed('recv');
    if (error.errno === ERRNO.EAGAIN && !wait) return undefined;
    if (error.errno !== ERRNO.EINTR) throw error;
  }
}

const POLLIN = 1;
const POLLFD = 8;

/**
 * poll(2) for input. Blocks this thread.
 * @param timeoutMs how long at most; -1 for no limit
 * @returns which of the descriptors have input, an error or an end
 */
export function pollInput(descriptors: readonly number[], timeoutMs: number): Set<number> {
  const table = Buffer.alloc(Math.max(1, descriptors.length) * POLLFD);
  descriptors.forEach((descriptor, index) => {
    table.writeInt32LE(descriptor, index * POLLFD);
    table.writeInt16LE(POLLIN, index * POLLFD + 4);
  });
  const ready = c.poll(table, descriptors.length, timeoutMs) as number;
  if (ready < 0) {
    const error = failed('poll');
    if (error.errno === ERRNO.EINTR) return new Set();
    throw error;
  }
  return new Set(descriptors.filter((_, index) => table.readInt16LE(index * POLLFD + 6) !== 0));
}

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MADV_DONTFORK = 10;

/** Maps a descriptor's memory into this process alone: programs that are started do not get it. */
export function mapMemory(fd: number, bytes: number): { memory: ArrayBuffer; unmap(): void } {
  const pointer = c.mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (koffi.address(pointer) === 0xffff_ffff_ffff_ffffn) throw failed('mmap');
  check('madvise', c.madvise(pointer, bytes, MADV_DONTFORK));
  return { memory: koffi.view(pointer, bytes), unmap: () => check('munmap', c.munmap(pointer, bytes)) };
}

const NO_PARAMETERS = Buffer.alloc(1);

/** Loads a module into the kernel we run on (finit_module(2)); one that is not there is left to those who need it. */
export function loadModule(file: string): void {
  if (!existsSync(file)) return;
  const fd = openSync(file, 'r');
  try {
    check('finit_module', Number(c.finitModule(systemCall('finitModule'), fd, NO_PARAMETERS, 0)));
  } finally {
    closeSync(fd);
  }
}

/** Lets this thread run before others that are ready (setpriority(2)), where we may. */
export function preferThisThread(): void {
  try {
    setPriority(Number(c.syscall(systemCall('getTid'), 0, 0, 0)), constants.priority.PRIORITY_HIGHEST);
  } catch {
    // An ordinary user may not: it runs with the others.
  }
}

/** eventfd(2): one thread raises it, another polls it. */
export const eventDescriptor = (): number => check('eventfd', c.eventfd(0, EFD_CLOEXEC));

const CLOCK_REALTIME_COARSE = 5;

/** Timer interrupts a second of the kernel we run on: its coarse clocks move once a tick (clock_getres(2)). */
export function kernelHz(): number {
  const resolution = Buffer.alloc(16);
  check('clock_getres', c.clock_getres(CLOCK_REALTIME_COARSE, resolution));
  return Math.round(1e9 / Number(resolution.readBigInt64LE(8)));
}

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

const number = Buffer.alloc(4);
const numberLength = Buffer.alloc(4);

/** Asked thousands of times in one look: the memory for the answer is always the same. */
function numberOption(fd: number, level: number, name: number): number {
  numberLength.writeUInt32LE(number.length);
  check('getsockopt', c.getsockopt(fd, level, name, number, numberLength));
  return number.readInt32LE();
}

/** A descriptor of another process (pidfd_open(2)), to be closed by the caller. */
export const processDescriptor = (pid: number): number =>
  check('pidfd_open', Number(c.syscall(systemCall('pidfdOpen'), pid, 0, 0)));

const duplicateThrough = (pidfd: number, descriptor: number): number =>
  check('pidfd_getfd', Number(c.syscall(systemCall('pidfdGetfd'), pidfd, descriptor, 0)));

/** A duplicate of another process's descriptor, to be closed by the caller (pidfd_getfd(2)). */
export function duplicateOf(pid: number, descriptor: number): number {
  const pidfd = processDescriptor(pid);
  try {
    return duplicateThrough(pidfd, descriptor);
  } finally {
    c.close(pidfd);
  }
}

export const closeDescriptor = (fd: number): void => {
  c.close(fd);
};

/** Asks the kernel about a socket of this process. */
export const ownSocketOptions = (fd: number): SocketOptions => ({
  keepalive: numberOption(fd, SOL_SOCKET, SO_KEEPALIVE) !== 0,
  idleSeconds: numberOption(fd, IPPROTO_TCP, TCP_KEEPIDLE),
  intervalSeconds: numberOption(fd, IPPROTO_TCP, TCP_KEEPINTVL),
  probes: numberOption(fd, IPPROTO_TCP, TCP_KEEPCNT),
  userTimeoutMs: numberOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
});

const TCP_INFO = 11;
/** Octets of struct tcp_info (linux/tcp.h) up to tcpi_bytes_sent. */
const TCP_INFO_LENGTH = 208;
/** IPv4 and TCP headers with the timestamp option (RFC 7323). */
const HEADER_BYTES = 20 + 20 + 12;

/** What a socket of this process has sent and received (TCP_INFO). */
export interface SocketTraffic {
  /** Segments, both ways. */
  packets: number;
  /** On the wire, both ways, from the IPv4 header on. */
  bytes: number;
  /** Since the last packet came. */
  sinceHeardSeconds: number;
}

export function socketTraffic(fd: number): SocketTraffic {
  const info = getOption(fd, IPPROTO_TCP, TCP_INFO, TCP_INFO_LENGTH);
  const [lastData, lastAck] = [info.readUInt32LE(52), info.readUInt32LE(56)];
  const packets = info.readUInt32LE(136) + info.readUInt32LE(140);
  const data = Number(info.readBigUInt64LE(200)) + Number(info.readBigUInt64LE(128));
  return { packets, bytes: packets * HEADER_BYTES + data, sinceHeardSeconds: Math.min(lastData, lastAck) / 1000 };
}

/**
 * Asks the kernel about a socket of another process, through a duplicate of its descriptor.
 * @param pidfd the process, by processDescriptor
 */
export function socketOptions(pidfd: number, descriptor: number): SocketOptions {
  const fd = duplicateThrough(pidfd, descriptor);
  try {
    return ownSocketOptions(fd);
  } finally {
    c.close(fd);
  }
}

/** Sets TCP_USER_TIMEOUT of a socket of this process, which Node cannot. */
export function setUserTimeout(fd: number, milliseconds: number): void {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(milliseconds);
  setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, value);
}

/**
 * Turns SO_KEEPALIVE on, with these values alone: what is left out stays as the kernel has it (Node and libuv set all three).
 * @param values `idleSeconds` 0: the kernel's own
 */
export function setKeepalive(
  fd: number,
  values: { idleSeconds: number; intervalSeconds?: number; probes?: number },
): void {
  const set = (level: number, name: number, number: number) => {
    const value = Buffer.alloc(4);
    value.writeInt32LE(number);
    setOption(fd, level, name, value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  if (values.idleSeconds > 0) set(IPPROTO_TCP, TCP_KEEPIDLE, values.idleSeconds);
  if (values.intervalSeconds !== undefined) set(IPPROTO_TCP, TCP_KEEPINTVL, values.intervalSeconds);
  if (values.probes !== undefined) set(IPPROTO_TCP, TCP_KEEPCNT, values.probes);
}

/** asm-generic/ioctls.h; the same on x86 and ARM. */
const FIONREAD = 0x541b;

/** Bytes that have come to a socket of this process and were not read yet (tcp(7), SIOCINQ). */
export function unreadBytes(fd: number): number {
  const value = Buffer.alloc(4);
  check('ioctl', c.ioctl(fd, FIONREAD, value));
  return value.readInt32LE();
}
