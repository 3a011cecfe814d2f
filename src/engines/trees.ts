import { accessSync, constants, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { codeRoot, packageRoot } from '../base/root.ts';

/** What the programs of a lab are made of, where distributions keep it. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];
/** What programs look up there; nothing that is a secret. */
const SETTINGS = [
  ...['passwd', 'group', 'nsswitch.conf', 'services', 'protocols', 'localtime', 'ld.so.cache', 'ld.so.conf'],
  ...['ld.so.conf.d', 'alternatives', 'ssl/openssl.cnf', 'iproute2'],
];
/** Parts of this package that run in a lab. The rest of its folder, runs among it, stays unseen. */
const PARTS = ['package.json', 'src', 'services', 'dist', 'lab'];
export const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'] as const;

/** Everything of this machine that a lab's programs see: files and folders to show, and links to make again. */
export interface Trees {
  shown: string[];
  links: { path: string; target: string }[];
}

/** Whether it is there and may be read; what may not be read is of no use in a lab, and cannot always be shown there. */
function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Folders of packages: those above the code, as Node looks for them. */
function* packageFolders(): Generator<string> {
  for (const start of new Set([codeRoot, packageRoot]))
    for (let folder = start; ; folder = dirname(folder)) {
      yield join(folder, 'node_modules');
      if (folder === dirname(folder)) break;
    }
}

/**
 * @param more files and folders besides what every lab needs
 */
export function treesOf(more: readonly string[] = []): Trees {
  const node = realpathSync(process.execPath);
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  const wanted = [
    ...SYSTEM,
    ...SETTINGS.map((name) => join('/etc', name)),
    ...PARTS.map((part) => join(packageRoot, part)),
    ...['src', 'services'].map((part) => join(codeRoot, part)),
    ...packageFolders(),
    process.execPath,
    node,
    join(dirname(node), '../lib'),
    ...folders,
    ...more,
  ];
  const trees: Trees = { shown: [], links: [] };
  const seen = (path: string) =>
    trees.shown.some((tree) => path === tree || path.startsWith(`${tree}/`)) ||
    trees.links.some((link) => link.path === path);
  const add = (path: string): void => {
    if (path === '/' || seen(path) || !readable(path)) return;
    if (lstatSync(path).isSymbolicLink()) {
      trees.links.push({ path, target: readlinkSync(path) });
      add(realpathSync(path));
      return;
    }
    // What lies inside is shown by it.
    trees.shown = trees.shown.filter((tree) => !tree.startsWith(`${path}/`));
    trees.shown.push(path);
  };
  for (const path of wanted) add(path);
  // A link inside of what is shown is there already.
  const hidden = trees.links.filter(({ path }) => !trees.shown.some((tree) => path.startsWith(`${tree}/`)));
  return { shown: trees.shown, links: hidden };
}
