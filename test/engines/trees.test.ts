import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { treesOf } from '../../src/engines/trees.ts';
import { jailScript } from '../../src/engines/virtual/jail.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-trees-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const covers = (tree: string, path: string) => path === tree || path.startsWith(`${tree}/`);

describe('what a lab’s programs see of this machine', () => {
  it.each([
    ['the package’s own folder, with its runs', join(packageRoot, 'runs')],
    ['the folder above it', dirname(packageRoot)],
    ['the home folder', join(homedir(), '.ssh')],
    ['passwords', '/etc/shadow'],
    ['sockets of services', '/run/docker.sock'],
    ['what programs keep', '/var/lib'],
    ['kernel interfaces', '/sys/kernel'],
  ])('is not %s', (_, path) => {
    expect(treesOf().shown.filter((tree) => covers(tree, path))).toEqual([]);
  });

  it('is the code, its packages and Node, each once', () => {
    const { shown } = treesOf();
    for (const path of [
      join(packageRoot, 'services/client'),
      join(packageRoot, 'node_modules/koffi'),
      process.execPath,
    ])
      expect(shown.filter((tree) => covers(tree, path))).toHaveLength(1);
  });

  it('is a link as a link, and what it leads to', () => {
    const [real, link] = [join(scratch, 'real'), join(scratch, 'link')];
    mkdirSync(real);
    symlinkSync('real', link);
    const { shown, links } = treesOf([link]);
    expect(links).toContainEqual({ path: link, target: 'real' });
    expect(shown).toContain(real);
  });

  it('can have quotes and spaces in its name, and none of them is run', () => {
    const odd = join(scratch, "it's $(odd) \\ @name");
    writeFileSync(odd, '');
    const script = jailScript({ read: [odd], write: [] });
    expect(script).toContain(`: >'.${odd.replace("'", "'\\''")}'`);
    const inTable = odd.replaceAll('\\', '\\134').replaceAll(' ', '\\040').replace("'", "'\\''");
    expect(script).toContain(`'${inTable} @${inTable} none rbind,ro,nosuid 0 0'`);
  });
});
