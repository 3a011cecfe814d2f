/**
 * What a client met instead of an answer, as its library's adapter classifies it. Everything that judges goes by these
 * words; `code` and `message` beside them are for people.
 *
 * - `reset`: the connection was reset (RST)
 * - `command-timeout`: the library's own timer of one command; the connection stays
 * - `socket-timeout`: the library's own timer of a connection, which it then gives up (while connecting, too)
 * - `kernel-timeout`: the kernel gave the connection up: retransmissions or keepalive probes without an answer (ETIMEDOUT)
 * - `closed`: the other side, or the library itself, ended the connection in order
 * - `refused`: nobody listens there (ECONNREFUSED)
 * - `other`: anything else, an answer that is an error included
 */
export const FAILURES = [
  'reset',
  'command-timeout',
  'socket-timeout',
  'kernel-timeout',
  'closed',
  'refused',
  'other',
] as const;
export type Failure = (typeof FAILURES)[number];
