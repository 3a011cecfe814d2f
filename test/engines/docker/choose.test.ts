import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import { start, until } from '../../helpers/cli.ts';
import { containersThere } from '../../helpers/docker.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-choose-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

/** Runs a command where the machine allows no namespaces of one's own. */
const WITHOUT_NAMESPACES = [
  'unshare',
  '--user',
  '--map-root-user',
  'sh',
  '-c',
  'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"',
  'sh',
];
const WITHOUT_KERNEL = { XDG_CACHE_HOME: '/nowhere', IDLELAB_KERNEL: '' };

describe.runIf(containersThere)('where a container engine answers', () => {
  it('npm run doctor brings a lab of containers up and tells that it can run here', async () => {
    const { code, stdout } = await start([], [], WITHOUT_KERNEL, join(packageRoot, 'src/cli/doctor.ts')).ended;
    expect(stdout).toMatch(/^docker .*: can run here$/m);
    expect(stdout).toMatch(/✔ image of the lab’s hosts: idlelab\/lab:[0-9a-f]{16}/);
    expect(stdout).toMatch(/✔ a lab of containers: 4 hosts up in \d+\.\d s; sockets, flows and rules can be had/);
    expect(code).toBe(0);
  });

  it('auto takes it where namespaces and kernels are not to be had, and says so', async () => {
    const started = start(['reset', '--runs', runs], WITHOUT_NAMESPACES, { ...WITHOUT_KERNEL, IDLELAB_ENGINE: 'auto' });
    await until(() => started.stderr().includes('engine:') || started.child.exitCode !== null);
    started.child.kill('SIGINT');
    const { stderr } = await started.ended;
    expect(stderr).toMatch(/^engine: docker, for this machine allows no namespaces of one’s own/m);
  });

  it('an image that is not there is named, and how to come by it', async () => {
    const started = start(['reset', '--engine', 'docker', '--runs', runs], [], {
      IDLELAB_IMAGE: 'idlelab/none:none',
    });
    const { code, stderr } = await started.ended;
    expect(stderr).toMatch(/idlelab\/none:none[\s\S]*what to do: .*IDLELAB_IMAGE/);
    expect(code).toBe(3);
  });
});
