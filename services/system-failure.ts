import type { Failure } from '../src/talk/failure.ts';

const BY_CODE: Readonly<Record<string, Failure>> = {
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'kernel-timeout',
  ECONNREFUSED: 'refused',
};
/** What the kernel gives up with in the place of ETIMEDOUT where it was told so on the way (tcp_write_err(), sk_err_soft). */
const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH']);

/**
 * The class of a failed system call, as Node.js reports it: a numeric `errno` beside the code. For every library that hands
 * such errors on. @returns undefined for an error that is the library's own, whatever code it borrows
 */
export function systemFailure(error: Error): Failure | undefined {
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  if (typeof errno !== 'number' || code === undefined) return undefined;
  if (UNREACHABLE.has(code) && syscall !== 'connect') return 'kernel-timeout';
  return BY_CODE[code] ?? 'other';
}
