import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/root.ts';

const NOBODY = 65_534;
const setup = join(packageRoot, 'setup.mjs');

describe('set-up', () => {
  it('says nothing and does nothing when all is there', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [setup], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  it('tells an ordinary user the one command to type when system packages are missing: exit 3', () => {
    // A mount namespace whose folders for system programs are empty, but for the few that are needed to get there.
    const hide = 'for d in /usr/sbin /sbin; do mount -t tmpfs none $d 2>/dev/null; done; exec "$@"';
    const asNobody =
      process.getuid?.() === 0 ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
    const command = [
      ...asNobody,
      'unshare',
      '--user',
      '--map-current-user',
      '--keep-caps',
      '--mount',
      'sh',
      '-c',
      hide,
      'sh',
      process.execPath,
      setup,
    ];
    const { status, stderr } = spawnSync(command[0] as string, command.slice(1), { encoding: 'utf8' });
    expect(stderr).toMatch(/missing programs: .*haproxy.*nft/);
    expect(stderr).toMatch(/what to do: sudo apt-get install -y --no-install-recommends .*haproxy.*nftables/);
    expect(status).toBe(3);
  });
});
