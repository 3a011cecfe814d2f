import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemCall } from '../../src/linux/system-calls.ts';

const CALLS = {
  pivotRoot: 'pivot_root',
  getTid: 'gettid',
  finitModule: 'finit_module',
  pidfdOpen: 'pidfd_open',
  closeRange: 'close_range',
  pidfdGetfd: 'pidfd_getfd',
  mountSetattr: 'mount_setattr',
} as const;

// arm64 has the generic numbers.
describe.each([
  ['x64', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'],
  ['arm64', '/usr/include/asm-generic/unistd.h'],
])('numbers of system calls on %s', (architecture, header) => {
  it.runIf(existsSync(header))('are those of the kernel’s own header', () => {
    const text = readFileSync(header, 'utf8');
    for (const [call, name] of Object.entries(CALLS))
      expect(`${name} ${systemCall(call as keyof typeof CALLS, architecture)}`).toBe(
        `${name} ${new RegExp(`^#define __NR_${name} (\\d+)$`, 'm').exec(text)?.[1]}`,
      );
  });
});

it('a number is not guessed on another architecture', () => expect(() => systemCall('getTid', 'mips')).toThrow('mips'));
