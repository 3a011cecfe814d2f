import { LabError } from '../base/errors.ts';
import type { Plan } from '../plan/plan.ts';

/** An engine that runs on the machine's own kernel cannot choose one. @throws LabError WRONG_KERNEL */
export function refuseChosenKernel({ acts }: Plan): void {
  const picky = acts.find(({ hz }) => hz !== undefined);
  if (picky)
    throw new LabError(
      'WRONG_KERNEL',
      `the act ${picky.name} is about a kernel with HZ ${picky.hz}, and at the lengths of life`,
      'add --engine virtual: its kernels can be chosen (npm run kernel -- --hz all builds them)',
    );
}
