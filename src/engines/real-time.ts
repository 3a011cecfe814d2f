import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { LabError } from '../base/errors.ts';
import { isBatch, type Job } from '../plan/job.ts';
import type { KnownPlace } from '../plan/known.ts';
import { boxesOf, kindOf } from '../plan/plan.ts';
import { BOXES } from '../stage/catalogue.ts';

/** Whether this machine's kernel has a module, loaded or built in (modules.builtin, kbuild). */
function hasModule(name: string): boolean {
  if (existsSync(`/sys/module/${name}`)) return true;
  try {
    return readFileSync(`/lib/modules/${release()}/modules.builtin`, 'utf8').includes(`/${name}.ko`);
  } catch {
    return false;
  }
}

/** What no kernel but one of the lab's own has unless somebody loaded it: the first module of a box brings the others. */
export const refusesMissingModules: NonNullable<KnownPlace['refuses']> = async (act) => {
  for (const box of boxesOf(act)) {
    const [first] = (await BOXES.load(kindOf(box))).default.modules ?? [];
    if (first !== undefined && !hasModule(first))
      return {
        host: box.name,
        what: `this machine’s kernel has no ${first}`,
        todo: `add --engine virtual, whose kernel brings it; or load it (as root): modprobe ${first}`,
      };
  }
  return undefined;
};

/** An engine that runs on the machine's own kernel cannot choose one. @throws LabError WRONG_KERNEL */
export function refuseChosenKernel(job: Job): void {
  if (isBatch(job)) return;
  const picky = job.acts.find(({ hz }) => hz !== undefined);
  if (picky)
    throw new LabError(
      'WRONG_KERNEL',
      `the act ${picky.name} is about a kernel with HZ ${picky.hz}, and at the lengths of life`,
      'add --engine virtual: its kernels can be chosen (npm run kernel -- --hz all builds them)',
    );
}
