import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeRoot, moduleExtension, packageRoot } from '../base/root.ts';

const FOLDERS = ['src', 'services'] as const;
/** Programs that run in the lab, and what they load by name. */
const ENTRIES =
  /^(src\/engines\/(virtual|docker)\/inside|src\/stage\/watch\/thread|src\/stage\/faults\/[^/]+|services\/client\/agent|services\/client\/libraries\/[^/]+|src\/stage\/servers\/[^/]+|services\/client\/(nap|swarm)|services\/broker\/listener|services\/balancer\/(reset-both|forgetful)|src\/stage\/boxes\/[^/]+)$/;

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

/** The lab's programs as few files of plain JavaScript, with their packages; but for native modules, whose binary lies beside them. */
export async function bundleLab(folder: string): Promise<void> {
  const { rolldown } = await import('rolldown');
  const entries = modules()
    .map((file) => file.slice(0, -moduleExtension.length))
    .filter((name) => ENTRIES.test(name));
  const build = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(codeRoot, name + moduleExtension)])),
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
