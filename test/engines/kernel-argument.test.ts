import { describe, expect, it } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { kernelArgument, mountedFolder } from '../../src/engines/virtual/kernel-argument.ts';

describe('an argument of a kernel', () => {
  it.each(['/runs', '/my runs', "/it's", '/a=b;c$d', ''])('%j is quoted', (value) => {
    expect(kernelArgument('NAME', value, 'it')).toBe(`NAME="${value}"`);
  });

  it.each(['/a"b', '/a" init=/bin/sh "', '/a\nb', '/a\\b', '/a\0b', '/a\tb'])(
    '%j is refused: the kernel would read it as something else',
    (value) => {
      expect(() => kernelArgument('NAME', value, 'it')).toThrow(LabError);
      expect(() => mountedFolder('NAME', value, 'it')).toThrow(LabError);
    },
  );

  it('that is a folder to be mounted has no comma, which would begin an option of the mount', () => {
    expect(() => mountedFolder('NAME', '/runs,ro', 'the runs folder')).toThrow(/the runs folder .*holds a comma/);
    expect(mountedFolder('NAME', '/my runs', 'it')).toBe('NAME="/my runs"');
  });
});
