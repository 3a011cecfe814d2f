import type { Failure } from '../../src/talk/failure.ts';

const BY_CODE: Readonly<Record<string, Failure>> = {
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'kernel-timeout',
  ECONNREFUSED: 'refused',
};

/**
 * The class of a failed system call, as Node.js reports it: a numeric `errno` beside the code. For every library that hands
 * such errors on. @returns undefined for an error that is the library's own, whatever code it borrows
 */
export function systemFailure(error: Error): Failure | undefined {
  const { code, errno } = error as NodeJS.ErrnoException;
  return typeof errno === 'number' && code !== undefined ? (BY_CODE[code] ?? 'other') : undefined;
}
