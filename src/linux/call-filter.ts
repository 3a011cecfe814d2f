import koffi from 'koffi';

// A filter of system calls (seccomp(2)) for programs of a lab. Namespaces do not divide everything: kernel keys belong to the
// user as the whole machine knows it. What a lab never needs is refused as well, for it is much kernel to attack. Of io_uring only
// the making of a ring is: the lab's own Node.js may have one by then, and aborts where it may not enter it.

/** Numbers by architecture (asm/unistd.h); `audit` is its name there (linux/audit.h). */
const ARCHITECTURES = {
  x64: {
    audit: 0xc000_003e,
    calls: {
      ...{ add_key: 248, request_key: 249, keyctl: 250, init_module: 175, finit_module: 313, delete_module: 176 },
      ...{ kexec_load: 246, kexec_file_load: 320, perf_event_open: 298, bpf: 321, userfaultfd: 323 },
      io_uring_setup: 425,
    },
  },
  arm64: {
    audit: 0xc000_00b7,
    calls: {
      ...{ add_key: 217, request_key: 218, keyctl: 219, init_module: 105, finit_module: 273, delete_module: 106 },
      ...{ kexec_load: 104, kexec_file_load: 294, perf_event_open: 241, bpf: 280, userfaultfd: 282 },
      io_uring_setup: 425,
    },
  },
} as const;

type Architecture = (typeof ARCHITECTURES)[keyof typeof ARCHITECTURES];
export type FilteredCall = keyof Architecture['calls'];

const EPERM = 1;
const ENOSYS = 38;
const EINVAL = 22;

/** Instructions of classic BPF (linux/bpf_common.h) on `struct seccomp_data`. */
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const [AT_NUMBER, AT_ARCHITECTURE] = [0, 4];
const ALLOW = 0x7fff_0000;
const REFUSE = 0x0005_0000 | EPERM;
const KILL_PROCESS = 0x8000_0000;
/** From here on numbers are of the x32 ABI, which names the same architecture. */
const X32 = 0x4000_0000;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** @throws Error on an architecture whose numbers are not known */
function known(architecture: string): Architecture {
  const found = (ARCHITECTURES as Record<string, Architecture>)[architecture];
  if (found === undefined) throw new Error(`no filter of system calls for the architecture ${architecture}`);
  return found;
}

/** Number of a system call here. @throws Error on an unknown architecture */
export const callNumber = (call: FilteredCall): number => known(process.arch).calls[call];

/**
 * The filter as the kernel reads it: 8 bytes for each instruction.
 * @param architecture as `process.arch` says it
 * @throws Error on an unknown architecture
 */
export function callFilter(architecture: string): Buffer {
  const { audit, calls } = known(architecture);
  const numbers = Object.values(calls);
  const refuse = (from: number) => numbers.length + 1 - from;
  const program: Instruction[] = [
    [LOAD, 0, 0, AT_ARCHITECTURE],
    [JUMP_IF_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, AT_NUMBER],
    [JUMP_IF_AT_LEAST, refuse(0), 0, X32],
    ...numbers.map((number, index): Instruction => [JUMP_IF_EQUAL, refuse(index + 1), 0, number]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

/**
 * From here on this thread, and every program and thread that it starts, is refused those calls. It must have no_new_privs, or
 * be an administrator of its user namespace.
 * @throws Error where this cannot be had; only a kernel that has neither filters nor these calls goes without
 */
export function filterCalls(): void {
  const libc = koffi.load('libc.so.6');
  const filter = callFilter(process.arch);
  const sockFprog = koffi.struct({ length: 'uint16', filter: 'const uint8_t *' });
  const prctl = libc.func('prctl', 'int', ['int', 'ulong', koffi.pointer(sockFprog), 'ulong', 'ulong']);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { length: filter.length / 8, filter }, 0, 0) >= 0) return;
  const errno = koffi.errno();
  const syscall = libc.func('long syscall(long, long, long, long)');
  const isMissing = (call: FilteredCall) => Number(syscall(callNumber(call), 0, 0, 0)) < 0 && koffi.errno() === ENOSYS;
  // The lab's own kernel is built without them.
  if (errno === EINVAL && isMissing('keyctl') && isMissing('io_uring_setup')) return;
  throw new Error(`prctl(PR_SET_SECCOMP) failed with errno ${errno}`);
}
