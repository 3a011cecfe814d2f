import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HZ } from '../../src/base/hz.ts';
import { findKernel } from '../../src/engines/virtual/kernel.ts';

/**
 * Whether the time-travelling kernels are there: `npm test` builds them; where it could not, its tests are reported as not run.
 * @throws Error in continuous integration, which must have them
 */
export function kernelsThere(ci: string | undefined, find = findKernel): boolean {
  const missing = HZ.filter((hz) => find(hz) === undefined);
  if (missing.length > 0 && ci)
    throw new Error(`no time-travelling kernel of HZ ${missing.join(', ')}: npm run kernel -- --hz all builds it`);
  return missing.length === 0;
}

export const kernelsBuilt: boolean = kernelsThere(process.env.CI);

/** The real kernel, with another first program than the engine asks for. All that it needs lies in `folder`. */
export function kernelWithInit(folder: string, name: string, init: string): string {
  const [kernel, real] = [join(folder, name), join(folder, `real-${name}`)];
  copyFileSync(findKernel() as string, real);
  const swap = `for each in "$@"; do case $each in init=*) each=init=${init} ;; esac; set -- "$@" "$each"; shift; done`;
  writeFileSync(kernel, `#!/bin/sh\n${swap}\nexec ${real} "$@"\n`, { mode: 0o755 });
  return kernel;
}
