// Numbers of system calls that the C library has no function for, by architecture (asm/unistd.h). Those from 424 on are the same
// everywhere (the kernel's asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl).

const BY_ARCHITECTURE = {
  x64: { pivotRoot: 155, getTid: 186, finitModule: 313 },
  arm64: { pivotRoot: 41, getTid: 178, finitModule: 273 },
} as const;

const EVERYWHERE = { pidfdOpen: 434, closeRange: 436, pidfdGetfd: 438, mountSetattr: 442 } as const;

type Call = keyof (typeof BY_ARCHITECTURE)['x64'] | keyof typeof EVERYWHERE;

/**
 * Number of a system call.
 * @param architecture as `process.arch` says it
 * @throws Error on an architecture whose numbers are not known
 */
export function systemCall(call: Call, architecture: string = process.arch): number {
  if (call in EVERYWHERE) return EVERYWHERE[call as keyof typeof EVERYWHERE];
  const numbers = (BY_ARCHITECTURE as Record<string, Record<string, number>>)[architecture];
  const number = numbers?.[call];
  if (number === undefined)
    throw new Error(`no number of the system call ${call} for the architecture ${architecture}`);
  return number;
}
