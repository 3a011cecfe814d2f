import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own folder, whether the code runs from `src` or, built, from `dist/src`. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'lab')) || !existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the idlelab package is incomplete: no folder lab/ beside its package.json');
    folder = parent;
  }
  return folder;
})();

/** `.ts` when run from the sources, `.js` when run from the build. */
export const moduleExtension: string = extname(fileURLToPath(import.meta.url));

/** The folder that holds `src` and `services`: the package's root, `dist` in a build, a cache folder in a bundle. */
export const codeRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'services/client'))) folder = dirname(folder);
  return folder;
})();
