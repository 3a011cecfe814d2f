import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import { kernelCache } from '../../../src/engines/virtual/kernel.ts';
import { containersThere } from '../../helpers/docker.ts';
import { kernelsBuilt } from '../../helpers/kernels.ts';

const IMAGE = `idlelab/night:test-${process.pid}`;
const docker = (...args: string[]) => spawnSync('docker', args, { cwd: packageRoot, encoding: 'utf8' });
const kernels = join(packageRoot, 'kernels');
const mine = !existsSync(kernels);

describe.runIf(containersThere && kernelsBuilt)('the image that carries the virtual engine’s kernels', () => {
  beforeAll(() => {
    // Those that are built already: to compile them would take minutes.
    if (mine)
      for (const name of readdirSync(kernelCache()).filter((each) => /-hz\d+$/.test(each)))
        cpSync(join(kernelCache(), name), join(kernels, name), { recursive: true });
    const { status, stdout, stderr } = docker(
      'build',
      '-f',
      'services/image/Dockerfile',
      '--target',
      'night',
      '-t',
      IMAGE,
      '.',
    );
    if (status !== 0) throw new Error(stdout + stderr);
  });
  afterAll(() => {
    if (mine) rmSync(kernels, { recursive: true, force: true });
    docker('rmi', IMAGE);
  });

  it('plays two nights of eight hours in one container, without any right', () => {
    const { status, stdout, stderr } = docker(
      ...['run', '--rm', '--tmpfs', '/dev/shm:exec', '--cap-drop', 'ALL', IMAGE],
      ...['scenario', 'rebalance', '--reporter', 'json'],
    );
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ verdict: 'pass', engine: 'virtual', pace: 'production' });
    expect(result.labSeconds).toBeGreaterThan(2 * 8 * 3600);
  });

  it('says which option is missing where its /dev/shm cannot be used', () => {
    const { status, stderr } = docker('run', '--rm', IMAGE, 'scenario', 'rebalance');
    expect(stderr).toMatch(/what to do: .*--tmpfs \/dev\/shm:exec/);
    expect(status).toBe(3);
  });
});
