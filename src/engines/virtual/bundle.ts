import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeRoot, moduleExtension, packageRoot } from '../../base/root.ts';
import { bundleLab, codeKey } from '../bundle.ts';

/** A lab may still be running from an older one. */
const DAY_MS = 24 * 3600 * 1000;
const CACHE = join(packageRoot, 'node_modules/.cache/idlelab');

export interface LabCode {
  /** What stands for the code's own root. */
  root: string;
  /** Of its modules. */
  extension: string;
}

/**
 * The lab's programs as few files of plain JavaScript: under User-Mode Linux every file that Node has to find, read and strip
 * of its types costs milliseconds. Made when the code has changed, else taken from the cache in node_modules.
 * @returns the sources themselves where it cannot be made
 */
export async function labCode(): Promise<LabCode> {
  const folder = join(CACHE, `lab-${codeKey()}`);
  if (existsSync(folder)) return { root: folder, extension: '.js' };
  const partial = `${folder}.partial-${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(partial, { recursive: true });
    await bundleLab(partial);
    for (const old of readdirSync(CACHE))
      if (/^lab-/.test(old) && Date.now() - statSync(join(CACHE, old)).mtimeMs > DAY_MS)
        rmSync(join(CACHE, old), { recursive: true, force: true });
    renameSync(partial, folder);
    return { root: folder, extension: '.js' };
  } catch {
    rmSync(partial, { recursive: true, force: true });
    return existsSync(folder) ? { root: folder, extension: '.js' } : { root: codeRoot, extension: moduleExtension };
  }
}

/** Takes away what `labCode` has made, as it is in a fresh clone. */
export function forgetLabCode(): void {
  if (!existsSync(CACHE)) return;
  for (const name of readdirSync(CACHE))
    if (/^lab-/.test(name)) rmSync(join(CACHE, name), { recursive: true, force: true });
}
