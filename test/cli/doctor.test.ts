import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { start } from '../helpers/cli.ts';
import { kernelsBuilt } from '../helpers/kernels.ts';

const doctor = (wrap: readonly string[] = [], env: Record<string, string> = {}) =>
  start([], wrap, env, join(packageRoot, 'src/cli/doctor.ts')).ended;

/** Nobody listens there. */
const WITHOUT_CONTAINERS = { DOCKER_HOST: 'tcp://127.0.0.1:1' };
const WITHOUT_KERNEL = { XDG_CACHE_HOME: '/nowhere', IDLELAB_KERNEL: '', ...WITHOUT_CONTAINERS };

describe('npm run doctor', () => {
  it('tells that network namespaces can be had here, and what was tried', async () => {
    const { code, stdout } = await doctor([], WITHOUT_KERNEL);
    expect(stdout).toMatch(/^netns .*: can run here$/m);
    expect(stdout).toMatch(/✔ nftables with NAT and time-outs: rules taken/);
    expect(stdout).toMatch(/^virtual .*: cannot run here$/m);
    expect(stdout).toMatch(/✖ kernel with HZ 250: not built\n {4}what to do: npm run kernel/);
    expect(code).toBe(0);
  });

  it('where nothing can run: exit 3, and what to do for each engine', async () => {
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    const { code, stdout } = await doctor(
      ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'],
      WITHOUT_KERNEL,
    );
    expect(stdout).toMatch(/✖ namespaces of one’s own: unshare: .*\n {4}what to do: run as root, or allow/);
    expect(stdout).toMatch(
      /✖ container engine: no container engine answers: .*\n {4}what to do: start a container engine/,
    );
    expect(code).toBe(3);
  });

  it('a kernel that does not boot is told from one that does', async () => {
    const { stdout } = await doctor([], { IDLELAB_KERNEL: '/bin/false', ...WITHOUT_CONTAINERS });
    expect(stdout).toMatch(/✖ it boots, and its clock jumps: .*\n {4}what to do: it needs ptrace/);
  });

  it.runIf(kernelsBuilt)('boots the kernel, and lets an hour pass on its clock', async () => {
    const { code, stdout } = await doctor([], WITHOUT_CONTAINERS);
    expect(stdout).toMatch(/✔ it boots, and its clock jumps: an hour in \d/);
    expect(stdout).toMatch(/✔ it is shut in: it sees programs and the lab’s code, read-only/);
    expect(stdout).toMatch(/^virtual .*: can run here$/m);
    expect(code).toBe(0);
  });

  it.runIf(kernelsBuilt)('where it cannot shut the kernel in, it says what that means', async () => {
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    const { stdout } = await doctor(
      ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'],
      WITHOUT_CONTAINERS,
    );
    expect(stdout).toMatch(/– it is shut in: its own root has your rights on your files \(unshare: .*\)/);
    expect(stdout).toMatch(/^virtual .*: can run here$/m);
  });
});
