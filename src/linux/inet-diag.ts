import { addressText } from '../wire/address.ts';
import { endText } from '../wire/endpoint.ts';
import type { SocketRow } from '../wire/sockets.ts';
import type { SystemCallError } from './libc.ts';
import { attributes, malformed, NetlinkSocket } from './netlink.ts';

// The kernel's table of TCP sockets (sock_diag(7)), which `ss` and `netstat` show: the same words, without their rounding.

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const INET_DIAG_INFO = 2;
const REQUEST = 56;
const MESSAGE = 72;
/** Bits of SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY. */
const DESTROY_GROUPS = 0b101;
const TCP_INFO_RTO = 8;
const LISTEN = 10;

/** By number (include/net/tcp_states.h); a socket in NEW_SYN_RECV is one in SYN-RECEIVED (RFC 9293). */
const STATES = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'SYN-RECV',
] as const;

/** By idiag_timer; 0 is none. */
const TIMERS = ['', 'retransmission', 'keepalive', 'time-wait', 'zero-window'] as const;

/** Reads a struct inet_diag_msg and what follows it; undefined for a listening socket. @throws LabError BAD_EVIDENCE */
export function parseDiag(bytes: Buffer): SocketRow | undefined {
  if (bytes.length < MESSAGE) throw malformed(`a socket in ${bytes.length} bytes`);
  const [family, state, timer, retries] = bytes as unknown as [number, number, number, number];
  if (state === LISTEN) return undefined;
  const size = family === AF_INET6 ? 16 : 4;
  const info = attributes(bytes.subarray(MESSAGE)).get(INET_DIAG_INFO);
  const rto = info && info.length >= TCP_INFO_RTO + 4 ? info.readUInt32LE(TCP_INFO_RTO) / 1000 : 0;
  return {
    state: STATES[state] ?? `state ${state}`,
    local: endText(addressText(bytes.subarray(8, 8 + size)), bytes.readUInt16BE(4)),
    peer: endText(addressText(bytes.subarray(24, 24 + size)), bytes.readUInt16BE(6)),
    receiveQueue: bytes.readUInt32LE(56),
    sendQueue: bytes.readUInt32LE(60),
    timer:
      timer === 0
        ? undefined
        : { kind: TIMERS[timer] ?? `timer ${timer}`, seconds: bytes.readUInt32LE(52) / 1000, retries },
    inode: bytes.readUInt32LE(68),
    cookie: bytes.readBigUInt64LE(44).toString(16),
    rto: rto > 0 ? rto : undefined,
  };
}

function requestFor(family: number): Buffer {
  const request = Buffer.alloc(REQUEST);
  request[0] = family;
  request[1] = IPPROTO_TCP;
  request.writeUInt32LE(~(1 << LISTEN) >>> 0, 4);
  return request;
}

/** Messages on all TCP sockets but listening ones. */
const dump = (netlink: NetlinkSocket, extensions: number): Buffer[] =>
  [AF_INET, AF_INET6].flatMap((family) => {
    const request = requestFor(family);
    request[2] = extensions;
    return netlink.dump(SOCK_DIAG_BY_FAMILY, request).map(({ payload }) => payload);
  });

/** All TCP sockets of the network namespace this thread is in, but for listening ones. */
export function socketTable(): SocketRow[] {
  using netlink = new NetlinkSocket(NETLINK_SOCK_DIAG);
  return dump(netlink, 1 << (INET_DIAG_INFO - 1))
    .map(parseDiag)
    .filter((row) => row !== undefined);
}

const ENOENT = 2;
/** Where a socket's own lock is held, or it is about to go by itself. */
const EBUSY = 16;

/**
 * Takes apart all TCP sockets of this namespace but listening ones, as `ss -K` does. The kernel sends a reset for those that
 * are synchronized (tcp_abort), and tells their programs ECONNABORTED.
 * @returns how many there were
 * @throws Error with `errno` where the kernel cannot: EOPNOTSUPP (CONFIG_INET_DIAG_DESTROY), EPERM
 */
export function destroySockets(): number {
  using netlink = new NetlinkSocket(NETLINK_SOCK_DIAG);
  const found = dump(netlink, 0);
  for (const message of found) {
    const request = requestFor(message[0] as number);
    // struct inet_diag_sockid: ports, addresses, interface, cookie.
    message.copy(request, 8, 4, 52);
    try {
      netlink.request(SOCK_DESTROY, 0, request);
    } catch (error) {
      if (![ENOENT, EBUSY].includes((error as SystemCallError).errno)) throw error;
    }
  }
  return found.length;
}

/** Tells of every TCP socket of this namespace that the kernel takes apart, as `ss -E` does. */
export const socketEnds = (): NetlinkSocket => new NetlinkSocket(NETLINK_SOCK_DIAG, { groups: DESTROY_GROUPS });
