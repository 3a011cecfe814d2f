import koffi from 'koffi';
import { LabError } from '../base/errors.ts';
import { systemCall } from './system-calls.ts';

const CLOSE_RANGE_CLOEXEC = 4;
const FIRST_BEYOND_STANDARD = 3;
const LAST = 0xffff_ffff;

/**
 * Keeps what this process has open from programs that it starts later: files that our caller passed to us among it. What `spawn`
 * is given as `stdio` is passed all the same.
 * @throws LabError NO_NAMESPACES on a kernel before Linux 5.11
 */
export function keepDescriptors(): void {
  const closeRange = koffi.load('libc.so.6').func('syscall', 'long', ['long', 'uint', 'uint', 'uint']);
  if (Number(closeRange(systemCall('closeRange'), FIRST_BEYOND_STANDARD, LAST, CLOSE_RANGE_CLOEXEC)) >= 0) return;
  throw new LabError(
    'NO_NAMESPACES',
    `this kernel cannot keep our open files from the lab's programs: close_range failed with errno ${koffi.errno()}`,
    'it takes Linux 5.11 or newer',
  );
}
