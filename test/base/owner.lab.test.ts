import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clearPartials, partialFolder, tryLock } from '../../src/base/folder.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-owner-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs code in a process namespace of its own, as in a container that shares a folder with this machine. */
function inAnotherNamespace(code: string, ...mounts: string[]) {
  const source = `
    import { clearPartials, partialFolder, tryLock } from ${JSON.stringify(join(import.meta.dirname, '../../src/base/folder.ts'))};
    ${code}`;
  const unshare = ['--user', '--map-current-user', '--pid', '--fork', ...mounts];
  const command = [...unshare, process.execPath, '--input-type=module', '-e', source];
  const { status, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

// With a /proc of its own, and with the one of the machine.
describe.each([[['--mount', '--mount-proc']], [[]]])('beside another process namespace, unshare %j', (mounts) => {
  it('what a process of this one still writes is not taken away there', () => {
    const folder = mkdtempSync(join(scratch, 'a-'));
    const partial = partialFolder(folder, 'night');
    const lock = tryLock(join(folder, 'lock'));
    expect(lock).toHaveProperty('release');
    const seen = inAnotherNamespace(
      `const taken = tryLock(${JSON.stringify(join(folder, 'lock'))});
       console.log(JSON.stringify({ said: clearPartials(${JSON.stringify(folder)}), life: taken.life }));`,
      ...mounts,
    );
    expect(seen).toEqual({
      said: [expect.stringMatching(/another process namespace.*remove the folder/)],
      life: { state: 'unknown', because: expect.stringMatching(/another process namespace/) },
    });
    expect(existsSync(partial)).toBe(true);
  });

  it('what a process of that one wrote is not taken away here', () => {
    const folder = mkdtempSync(join(scratch, 'b-'));
    inAnotherNamespace(
      `partialFolder(${JSON.stringify(folder)}, 'night');
       console.log(JSON.stringify('release' in tryLock(${JSON.stringify(join(folder, 'lock'))})));`,
      ...mounts,
    );
    expect(clearPartials(folder)).toEqual([expect.stringMatching(/another process namespace/)]);
    expect(readdirSync(folder).some((name) => name.startsWith('.partial-night'))).toBe(true);
    expect(tryLock(join(folder, 'lock'))).toMatchObject({ life: { state: 'unknown' } });
  });
});
