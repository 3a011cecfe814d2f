import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { run } from '../../helpers/cli.ts';

const NOBODY = 65_534;
/** The first belongs to the ordinary user, the second to whoever runs the tests. */
const mine = mkdtempSync(join(tmpdir(), 'idlelab-test-rootless-'));
const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-rootless-'));
afterAll(() => {
  for (const folder of [runs, mine]) rmSync(folder, { recursive: true, force: true });
});

it('an ordinary user runs the lab, where user namespaces are allowed', async () => {
  const root = process.getuid?.() === 0;
  if (root) chownSync(runs, NOBODY, NOBODY);
  chmodSync(runs, 0o755);
  // Already an ordinary user: nothing to change.
  const wrap = root ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'] : [];
  const { code, stdout, stderr } = await run(['reset', '--reporter', 'json', '--runs', runs], wrap, { HOME: runs });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'pass', engine: 'netns' });
});

it('where the kernel allows no namespaces it says so, and what to do', async () => {
  // A user namespace in which no further one may be made is what such a machine looks like from inside.
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const wrap = ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'];
  const { code, stderr } = await run(['reset', '--runs', mine], wrap);
  expect(stderr).toMatch(/NO_NAMESPACES: .*unshare[\s\S]*what to do: run as root, or allow user namespaces/);
  expect(code).toBe(3);
});
