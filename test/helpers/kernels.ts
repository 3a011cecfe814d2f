import { findKernel } from '../../src/engines/virtual/kernel.ts';
import { HZ } from '../../src/scenario/hz.ts';

/** Whether the time-travelling kernels are there: `npm test` builds them; where it could not, its tests are reported as not run. */
export const kernelsBuilt: boolean = HZ.every((hz) => findKernel(hz) !== undefined);
