import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeRoot, moduleExtension, packageRoot } from '../base/root.ts';
import { HOST_FOLDERS, PROGRAMS } from '../talk/programs.ts';

const FOLDERS = ['src', 'services'] as const;
/** What engines start beside the programs of hosts: the lab's own process, the first of a container, the thread that watches. */
const INSIDE = ['src/engines/docker/inside', 'src/engines/virtual/inside', 'src/stage/watch/thread'] as const;

/** The code's modules, by their paths from its root. */
function modules(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(codeRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(moduleExtension) && !file.endsWith(`.d${moduleExtension}`))
      .map((file) => `${folder}/${file}`),
  ).sort();
}

/** Changes whenever the code or a package does. */
export function codeKey(): string {
  const hash = createHash('sha256');
  for (const file of modules()) hash.update(`${file}\n`).update(readFileSync(join(codeRoot, file)));
  const installed = join(packageRoot, 'node_modules/.package-lock.json');
  if (existsSync(installed)) hash.update(`${statSync(installed).mtimeMs} ${statSync(installed).size}`);
  return hash.update(process.version).digest('hex').slice(0, 16);
}

/** Modules that are started or loaded by name in the lab: by their paths from the code's root, without extension. */
export function labEntries(): string[] {
  const loaded = modules().filter((file) => (HOST_FOLDERS as readonly string[]).includes(dirname(file)));
  return [...INSIDE, ...PROGRAMS, ...loaded.map((file) => file.slice(0, -moduleExtension.length))];
}

/** The lab's programs as few files of plain JavaScript, with their packages; but for native modules, whose binary lies beside them. */
export async function bundleLab(folder: string): Promise<void> {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: Object.fromEntries(labEntries().map((name) => [name, join(codeRoot, name + moduleExtension)])),
    platform: 'node',
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
