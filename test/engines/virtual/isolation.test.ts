import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import { kernelFor } from '../../../src/engines/virtual/engine.ts';
import { jailScript } from '../../../src/engines/virtual/jail.ts';
import { bootArguments, cpus } from '../../../src/engines/virtual/run-kernel.ts';
import { run } from '../../helpers/cli.ts';
import { kernelsBuilt, kernelWithInit } from '../../helpers/kernels.ts';
import { Targets } from '../isolation.ts';

const INIT = join(packageRoot, 'lab/kernel/init.sh');

/** Boots a kernel in its jail. @returns what its first program prints until it has tried all */
async function boot(init: string): Promise<string> {
  const kernel = kernelFor(250);
  const child = spawn(
    'sh',
    [join(packageRoot, 'lab/kernel/guard.sh'), '', cpus().join(' '), kernel, ...bootArguments(init, Date.now())],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, IDLELAB_JAIL: jailScript({ read: [dirname(kernel), dirname(init)], write: [] }) },
    },
  );
  let printed = '';
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`;
    if (/tried all|"type":"ended"/.test(line)) child.stdin.end();
  }
  return printed;
}

describe.runIf(kernelsBuilt)('on a kernel of the lab’s own', () => {
  let targets: Targets;
  let kernels: string;
  beforeEach(async () => {
    targets = await new Targets().open();
    kernels = mkdtempSync(join(tmpdir(), 'idlelab-test-isolation-'));
  });
  afterEach(() => {
    targets.close();
    rmSync(kernels, { recursive: true, force: true });
  });

  /** Plays with another first program. */
  const play = (init: string, env: Record<string, string> = {}) => {
    const file = join(kernels, 'init.sh');
    writeFileSync(file, init, { mode: 0o755 });
    const kernel = kernelWithInit(kernels, 'linux', file);
    return run(
      [targets.scenario, '--engine', 'virtual', '--kernel', kernel, '--reporter', 'json', '--runs', targets.runs],
      targets.careless,
      { IDLELAB_TEST_SECRET: 'not for the lab', ...env },
    );
  };
  /** The same. @returns what the run ended with */
  const problemWith = async (init: string): Promise<string> => {
    const { code, stdout, stderr } = await play(init);
    expect(code, stderr).toBe(2);
    return JSON.parse(stdout).problem.message as string;
  };

  it('that kernel’s own root has nothing that the caller had open', async () => {
    const numbers = Array.from({ length: 61 }, (_, index) => index + 3);
    const { stdout, stderr } = await play(
      [
        '#!/bin/sh',
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        ...numbers.flatMap((number) => [
          `mount -t hostfs -o /proc/self/fd/${number}/. none /mnt 2>/dev/null && test -e /mnt/file && echo "reached by ${number}"`,
          'umount /mnt 2>/dev/null',
        ]),
        'echo tried all',
        'exit 0',
      ].join('\n'),
    );
    expect(stdout + stderr).toContain('tried all');
    expect(stdout + stderr).not.toContain('reached');
  });

  it('says in the run and in its result that the kernel is not shut in', async () => {
    const bin = join(kernels, 'no-namespaces');
    mkdirSync(bin);
    writeFileSync(join(bin, 'unshare'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const init = readFileSync(INIT, 'utf8');
    const open = await play(init, { PATH: `${bin}:${process.env.PATH}` });
    expect(JSON.parse(open.stdout).problem, open.stderr).toBeNull();
    expect(open.stderr.split('jail: none').length).toBe(2);
    expect(JSON.parse(open.stdout).versions).toMatchObject({ jail: 'none' });
    const shut = await play(init);
    expect(shut.stderr).not.toContain('jail: none');
    expect(JSON.parse(shut.stdout).versions).not.toHaveProperty('jail');
  });

  it('a hostile program on a host is refused everything', async () => {
    const folder = targets.asServer(join(kernels, 'bin'));
    const init = readFileSync(INIT, 'utf8').replace('export PATH=', `export PATH=${folder}:`);
    expect(init).toContain(folder);
    targets.expectAllRefused(await problemWith(init));
  });

  it('even that kernel’s own root cannot write the machine’s files, nor see those that the lab does not need', async () => {
    const mine = join(packageRoot, 'services/idlelab-test');
    const attempts = [
      'mount -o remount,rw /',
      `echo changed >${mine}`,
      'echo changed >/usr/idlelab-test',
      `echo changed >${targets.file}`,
      `cat ${targets.file}`,
      // hostfs takes any path of the machine that its process can see.
      `mount -t hostfs -o ${targets.folder} none /mnt`,
      'mount -t hostfs -o /usr none /mnt && echo changed >/mnt/idlelab-test',
      `mount -t hostfs -o /proc none /mnt && test -d /mnt/${process.pid}`,
    ];
    const lines = attempts.map((attempt, index) => `(${attempt}) >/dev/null 2>&1 && echo "done ${index}"`);
    const file = join(kernels, 'init.sh');
    writeFileSync(
      file,
      `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nmount -t proc proc /proc\n${lines.join('\n')}\necho tried all\nsleep 2000000000\n`,
      { mode: 0o755 },
    );
    const printed = await boot(file);
    // To mount again, and hostfs itself, are its own affair: it is the machine that does not let it write.
    const done = attempts.filter((_, index) => printed.includes(`done ${index}`));
    expect(done.filter((attempt) => attempt.includes('changed') || attempt.includes('cat'))).toEqual([]);
    expect(done).not.toContain(attempts[5]);
    expect(done).not.toContain(attempts.at(-1));
    targets.expectUntouched();
    for (const file of [mine, '/usr/idlelab-test']) expect(() => readFileSync(file)).toThrow(/ENOENT/);
  });
});
