import { describe, expect, it } from 'vitest';
import { callFilter } from '../../src/linux/call-filter.ts';

const ALLOW = 0x7fff_0000;
const EPERM = 0x0005_0001;
const KILL = 0x8000_0000;
const [X64, ARM64, I386] = [0xc000_003e, 0xc000_00b7, 0x4000_0003];

/** What the kernel makes of a call: the few instructions of classic BPF that a filter may have here. */
function answer(filter: Buffer, architecture: number, number: number): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(architecture, 4);
  let loaded = 0;
  for (let at = 0; at * 8 < filter.length; at++) {
    const [code, value] = [filter.readUInt16LE(at * 8), filter.readUInt32LE(at * 8 + 4)];
    const jump = (yes: boolean) => filter.readUInt8(at * 8 + (yes ? 2 : 3));
    if (code === 0x20) loaded = data.readUInt32LE(value);
    else if (code === 0x15) at += jump(loaded === value);
    else if (code === 0x35) at += jump(loaded >= value);
    else if (code === 0x06) return value;
    else throw new Error(`no such instruction: ${code}`);
  }
  throw new Error('the filter has no end');
}

describe('the filter of system calls', () => {
  it('refuses kernel keys, rings and what changes the kernel, by the numbers of each architecture', () => {
    const x64 = callFilter('x64');
    for (const number of [248, 249, 250, 425, 321, 298, 323, 246, 320, 175, 313, 176])
      expect([number, answer(x64, X64, number)]).toEqual([number, EPERM]);
    const arm64 = callFilter('arm64');
    for (const number of [217, 218, 219, 425, 280, 241, 282, 104, 294, 105, 273, 106])
      expect([number, answer(arm64, ARM64, number)]).toEqual([number, EPERM]);
  });

  it('lets all others through', () => {
    const refused = new Set([248, 249, 250, 425, 321, 298, 323, 246, 320, 175, 313, 176]);
    const filter = callFilter('x64');
    for (let number = 0; number < 600; number++)
      if (!refused.has(number)) expect([number, answer(filter, X64, number)]).toEqual([number, ALLOW]);
  });

  it('refuses all of x32, whose numbers are other ones, and ends a program of another architecture', () => {
    const filter = callFilter('x64');
    for (const number of [0, 1, 250]) expect(answer(filter, X64, 0x4000_0000 + number)).toBe(EPERM);
    expect(answer(filter, I386, 4)).toBe(KILL);
    expect(answer(filter, ARM64, 4)).toBe(KILL);
  });

  it('is not to be had for an architecture whose numbers are unknown', () => {
    expect(() => callFilter('riscv64')).toThrow(/riscv64/);
  });
});
