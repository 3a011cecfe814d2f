import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLIENTS } from '../../services/client/catalogue.ts';
import { packageRoot } from '../../src/base/root.ts';
import { labEntries } from '../../src/engines/bundle.ts';
import { BOXES, SERVERS, VERBS } from '../../src/stage/catalogue.ts';
import { HOST_FOLDERS, PROGRAMS } from '../../src/talk/programs.ts';

const files = ['src', 'services'].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(packageRoot, folder, file)),
);

describe('the programs of hosts', () => {
  it.each([...PROGRAMS])('%s is there', (program) => expect(existsSync(join(packageRoot, `${program}.ts`))).toBe(true));
  it.each([...HOST_FOLDERS])('%s is there, with modules in it', (folder) =>
    expect(readdirSync(join(packageRoot, folder)).some((file) => file.endsWith('.ts'))).toBe(true),
  );
  it('are all that is started as a module on a host', () => {
    const started = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/spawnModule\(\s*'([^']+)'/g)].map(([, name]) => name as string),
    );
    expect(started.length).toBeGreaterThan(0);
    expect(started.filter((name) => !(PROGRAMS as readonly string[]).includes(name))).toEqual([]);
  });
  it('are bundled, with all that they load by name', () => {
    const entries = labEntries();
    for (const program of PROGRAMS) expect(entries).toContain(program);
    for (const { folder, names } of [BOXES, VERBS, SERVERS, CLIENTS].map((each) => ({
      folder: each.folder.slice(packageRoot.length).replace(/^\//, ''),
      names: each.names(),
    })))
      expect(entries).toEqual(expect.arrayContaining(names.map((name) => `${folder}/${name}`)));
    expect(entries.filter((entry) => !existsSync(join(packageRoot, `${entry}.ts`)))).toEqual([]);
  });
});
