import { writeFileSync } from 'node:fs';
import koffi from 'koffi';
import { callNumber, filterCalls } from './call-filter.ts';

// Which rights a started program gets. Rights belong to threads (capabilities(7)): what this thread has as "ambient" is what
// a program started by it has, and nothing else, for neither the user nor the program's file gives any here.
const libc = koffi.load('libc.so.6');
const c = {
  prctl: libc.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)'),
  capget: libc.func('int capget(const uint8_t *, uint8_t *)'),
  capset: libc.func('int capset(const uint8_t *, const uint8_t *)'),
  syscall: libc.func('long syscall(long, long, long, long)'),
};

/** Capabilities by number (linux/capability.h). */
export const CAP = { netAdmin: 12, netRaw: 13, sysAdmin: 21 } as const;
const LAST_CAP = 63;

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_SET_SECUREBITS = 28;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
/** The user with number 0 has no rights by that number, and this cannot be taken back (SECBIT_NOROOT and its lock). */
const NO_ROOT = 0b11;
const KEYCTL_JOIN_SESSION_KEYRING = 1;

const VERSION_3 = Buffer.from([0x22, 0x05, 0x08, 0x20, 0, 0, 0, 0]);
/** Where the inheritable sets lie in the two halves of `__user_cap_data_struct`. */
const INHERITABLE = [8, 20] as const;

function check(call: string, result: number): void {
  if (result >= 0) return;
  throw new Error(`${call} failed with errno ${koffi.errno()}`);
}

function setInheritable(capabilities: readonly number[]): void {
  const data = Buffer.alloc(24);
  check('capget', c.capget(VERSION_3, data));
  for (const [half, offset] of INHERITABLE.entries())
    data.writeUInt32LE(
      capabilities.filter((each) => each >> 5 === half).reduce((bits, each) => bits | (1 << (each & 31)), 0) >>> 0,
      offset,
    );
  check('capset', c.capset(VERSION_3, data));
}

/**
 * From here on programs that this thread starts have no capability, and no way to any: not by a file, not by a user namespace,
 * not by being root, and are refused some system calls (call-filter.ts), as this thread is. This thread keeps its capabilities.
 * @param passed capabilities that `withCapabilities` may still pass on
 */
export function passOnNothing(passed: readonly number[]): void {
  check('prctl(PR_CAP_AMBIENT)', c.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  setInheritable([]);
  check('prctl(PR_SET_SECUREBITS)', c.prctl(PR_SET_SECUREBITS, NO_ROOT, 0, 0, 0));
  for (let each = 0; each <= LAST_CAP && c.prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; each++)
    if (!passed.includes(each)) check('prctl(PR_CAPBSET_DROP)', c.prctl(PR_CAPBSET_DROP, each, 0, 0, 0));
  check('prctl(PR_SET_NO_NEW_PRIVS)', c.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  writeFileSync('/proc/sys/user/max_user_namespaces', '0');
  // A keyring of our own instead of the caller's; a kernel without keyrings has none to hide.
  c.syscall(callNumber('keyctl'), KEYCTL_JOIN_SESSION_KEYRING, 0, 0);
  filterCalls();
}

/** Runs synchronous code; programs that it starts have these capabilities. */
export function withCapabilities<T>(capabilities: readonly number[], work: () => T): T {
  setInheritable(capabilities);
  try {
    for (const each of capabilities)
      check('prctl(PR_CAP_AMBIENT)', c.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each, 0, 0));
    return work();
  } finally {
    // What is not inheritable is not ambient either.
    setInheritable([]);
  }
}
