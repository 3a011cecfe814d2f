import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { containersThere } from '../helpers/docker.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-packed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command as a user of the package would, outside of this project. */
function run(program: string, args: readonly string[], cwd = folder): string {
  const { VITEST: _, NODE_OPTIONS: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}

describe.runIf(containersThere)('the published package', () => {
  it('runs the example’s tests, with ioredis and with node-postgres, and its types are there', () => {
    run('npm', ['pack', '--pack-destination', folder], packageRoot);
    const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) as string;
    cpSync(join(packageRoot, 'examples/testcontainers'), folder, { recursive: true });
    run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', `./${tarball}`]);
    run('npx', ['tsc']);
    const report = JSON.parse(run('npx', ['vitest', 'run', '--reporter=json'])) as {
      numPassedTests: number;
      numTotalTests: number;
    };
    expect([report.numPassedTests, report.numTotalTests]).toEqual([5, 5]);
  });
});
