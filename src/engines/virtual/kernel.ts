import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../../base/errors.ts';
import { DEFAULT_HZ, type Hz } from '../../base/hz.ts';
import { packageRoot } from '../../base/root.ts';

export const KERNEL_CONFIG: string = join(packageRoot, 'lab/kernel/uml.config');

/** Where built kernels are kept: the user's cache, never the project. */
export const kernelCache = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'idlelab/kernel');

export const configKey = (): string =>
  createHash('sha256').update(readFileSync(KERNEL_CONFIG)).digest('hex').slice(0, 12);

/** Name of a built kernel's folder: source version, configuration, HZ. */
export const kernelName = (version: string, hz: Hz): string => `${version}-${configKey()}-hz${hz}`;

/**
 * The kernel for a HZ: a ready one, or the newest built one. Undefined where there is none.
 * @param given path of a ready one, as of --kernel; by default what IDLELAB_KERNEL names
 * @throws LabError BAD_OPTION where that is not there
 */
export function findKernel(
  hz: Hz = DEFAULT_HZ,
  given: string | undefined = process.env.IDLELAB_KERNEL,
): string | undefined {
  if (given) {
    if (existsSync(given)) return given;
    throw new LabError(
      'BAD_OPTION',
      `there is no kernel ${given}`,
      'correct IDLELAB_KERNEL or --kernel, or build one: npm run kernel',
    );
  }
  return builtKernel(hz);
}

/** The newest kernel of this configuration in the cache. */
export function builtKernel(hz: Hz): string | undefined {
  const cache = kernelCache();
  if (!existsSync(cache)) return undefined;
  const ending = `-${configKey()}-hz${hz}`;
  return readdirSync(cache)
    .filter((name) => name.endsWith(ending) && existsSync(join(cache, name, 'linux')))
    .sort()
    .map((name) => join(cache, name, 'linux'))
    .at(-1);
}

/** How `--engine virtual` can be had. */
export const HOW_TO_BUILD = 'npm run kernel builds it, in about three minutes';
