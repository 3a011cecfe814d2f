import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeRoot, moduleExtension, packageRoot } from '../../root.ts';

const FOLDERS = ['src', 'services'] as const;
/** Programs that run in the lab, and what they load by name. */
const ENTRIES =
  /^(src\/engines\/virtual\/inside|src\/lab\/watch\/thread|src\/lab\/faults\/[^/]+|services\/client\/agent|services\/client\/libraries\/[^/]+|services\/broker\/kinds\/[^/]+|services\/balancer\/reset-both|services\/balancer\/players\/[^/]+)$/;
/** A lab may still be running from an older one. */
const DAY_MS = 24 * 3600 * 1000;
const CACHE = join(packageRoot, 'node_modules/.cache/idlelab');

export interface LabCode {
  /** What stands for the code's own root. */
  root: string;
  /** Of its modules. */
  extension: string;
}

function modules(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(codeRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(moduleExtension) && !file.endsWith(`.d${moduleExtension}`))
      .map((file) => `${folder}/${file}`),
  ).sort();
}

/** Changes whenever the code or a package does. */
function keyOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(codeRoot, file)));
  const installed = join(packageRoot, 'node_modules/.package-lock.json');
  if (existsSync(installed)) hash.update(`${statSync(installed).mtimeMs} ${statSync(installed).size}`);
  return hash.update(process.version).digest('hex').slice(0, 16);
}

async function bundle(files: readonly string[], folder: string): Promise<void> {
  const { rolldown } = await import('rolldown');
  const entries = files.map((file) => file.slice(0, -moduleExtension.length)).filter((name) => ENTRIES.test(name));
  const build = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(codeRoot, name + moduleExtension)])),
    platform: 'node',
    // A native module finds its binary beside itself.
    external: ['koffi'],
    logLevel: 'silent',
  });
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'src/[name]-[hash].js',
  });
  await build.close();
}

/**
 * The lab's programs as few files of plain JavaScript: under User-Mode Linux every file that Node has to find, read and strip
 * of its types costs milliseconds. Made when the code has changed, else taken from the cache in node_modules.
 * @returns the sources themselves where it cannot be made
 */
export async function labCode(): Promise<LabCode> {
  const files = modules();
  const folder = join(CACHE, `lab-${keyOf(files)}`);
  if (existsSync(folder)) return { root: folder, extension: '.js' };
  const partial = `${folder}.partial-${process.pid}`;
  try {
    mkdirSync(partial, { recursive: true });
    await bundle(files, partial);
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
