import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../src/base/folder.ts';
import { owner } from '../src/base/owner.ts';
import { packageRoot } from '../src/base/root.ts';
import { until } from './helpers/cli.ts';

const NOBODY = 65_534;
const setup = join(packageRoot, 'setup.mjs');

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-setup-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('setup', () => {
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

/** A clone without packages, whose `npm` only notes that it was called. */
function clone() {
  const folder = mkdtempSync(join(scratch, 'clone-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const file of ['setup.mjs', 'package-lock.json', 'package.json'])
    writeFileSync(join(folder, file), readFileSync(join(packageRoot, file)));
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program(
    'npm',
    `echo npm >>${folder}/log\nmkdir -p ${folder}/node_modules/.bin; ln -sf ${process.execPath} ${folder}/node_modules/.bin/node`,
  );
  return { folder, program, lock: join(folder, '.setup-lock'), path: `${bin}:${process.env.PATH}` };
}

describe('setup, two at once', () => {
  let there: ReturnType<typeof clone>;
  beforeEach(() => {
    there = clone();
  });
  const start = () => {
    const child = spawn(process.execPath, [join(there.folder, 'setup.mjs')], {
      env: { ...process.env, PATH: there.path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (text) => {
      said += String(text);
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, said: () => said, ended };
  };
  const installed = () => readFileSync(join(there.folder, 'log'), 'utf8').trim().split('\n').length;

  it('takes over the lock of a process that has ended', async () => {
    writeFileSync(there.lock, JSON.stringify({ ...owner(), start: '1' }));
    const { ended, said } = start();
    expect({ code: await ended, said: said() }).toEqual({ code: 0, said: expect.stringContaining('installing npm') });
    expect(installed()).toBe(1);
    expect(readdirSync(there.folder).filter((name) => name.startsWith('.setup-lock'))).toEqual([]);
  });

  it('waits for a process that runs, as the lock of src/base tells it', async () => {
    const taken = tryLock(there.lock);
    const { ended, said } = start();
    await until(() => said().includes(`another setup is running (process ${process.pid} on ${owner().host}), waiting`));
    expect(existsSync(join(there.folder, 'log'))).toBe(false);
    if ('release' in taken) taken.release();
    expect(await ended).toBe(0);
    expect(installed()).toBe(1);
  });

  it.each([
    ['of another host', JSON.stringify({ ...owner(), host: 'elsewhere', start: '1' })],
    ['of another process namespace', JSON.stringify({ ...owner(), pidNamespace: 'pid:[1]', start: '1' })],
    ['that says nothing', ''],
  ])('does not take over a lock %s, and says what to do: exit 3', async (_, text) => {
    writeFileSync(there.lock, text);
    const { ended, said } = start();
    expect(await ended).toBe(3);
    expect(said()).toContain(`if it has ended, remove ${there.lock}`);
    expect(readFileSync(there.lock, 'utf8')).toBe(text);
  });

  it('writes a lock that src/base understands', async () => {
    there.program('npm', `cp ${there.lock} ${there.folder}/seen; exit 1`);
    const { ended, child } = start();
    expect(await ended).toBe(3);
    expect(JSON.parse(readFileSync(join(there.folder, 'seen'), 'utf8'))).toEqual({
      ...owner(),
      pid: child.pid,
      start: expect.stringMatching(/^\d+$/),
      holding: expect.any(String),
    });
    expect(existsSync(there.lock)).toBe(false);
  });

  it('of six that find the lock of a process that has ended, one installs', async () => {
    writeFileSync(there.lock, JSON.stringify({ ...owner(), start: '1' }));
    const all = Array.from({ length: 6 }, start);
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual(all.map(() => 0));
    expect(installed()).toBe(1);
  });
});

describe('setup as root: while packages are installed, their services are not started', () => {
  const policy = '/usr/sbin/policy-rc.d';
  /**
   * Runs a script as root of a user namespace in which the folders of system programs are our own, and `apt-get` is ours: it
   * says what the policy says, waits until the file "go" is there, and puts the programs there.
   */
  function inside(script: string) {
    // With a lock of its own: one of that namespace means nothing to others.
    const { folder } = clone();
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
    const packages = readFileSync(join(folder, 'package-lock.json'), 'utf8');
    writeFileSync(join(folder, 'node_modules/.idlelab-setup'), packages.slice(-4096) + Buffer.byteLength(packages));
    const apt = join(folder, 'apt-get');
    writeFileSync(
      apt,
      `#!/bin/sh
sh ${policy}; echo "policy says $?" >>${folder}/log
while [ ! -e ${folder}/go ]; do sleep 0.02; done
for program in haproxy nft ipvsadm nginx redis-server redis-cli; do ln -sf /bin/true /usr/sbin/$program; done
`,
    );
    chmodSync(apt, 0o755);
    for (const name of [
      'sh',
      'cat',
      'cut',
      'echo',
      'sleep',
      'ln',
      'chmod',
      'mv',
      'rm',
      'grep',
      'unshare',
      'kill',
      'true',
    ])
      symlinkSync(spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim(), join(folder, name));
    const text = `
mount -t tmpfs none /usr/sbin; [ -L /sbin ] || mount -t tmpfs none /sbin
mkdir ${folder}/empty
export PATH=${folder}
waitfor() { while ! grep -qs "$1" ${folder}/log; do sleep 0.02; done; }
left() { if [ -e ${policy} ]; then echo "$1: left"; else echo "$1: gone"; fi; }
setup() { exec "${process.execPath}" "${folder}/setup.mjs" 2>&1; }
${script.replaceAll('$folder', folder)}`;
    const run = spawnSync(
      'unshare',
      ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', text],
      {
        encoding: 'utf8',
        timeout: 60_000,
        // unshare itself ignores gentler ones.
        killSignal: 'SIGKILL',
      },
    );
    return {
      output: run.stdout + run.stderr,
      log: existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '',
    };
  }

  it('the policy is there during the installation, and gone after it', () => {
    const { output, log } = inside('echo >$folder/go; (setup); left after');
    expect(log).toBe('policy says 101\n');
    expect(output).toMatch(/installing system packages: haproxy[\s\S]*after: gone/);
  });

  it.each(['TERM', 'INT', 'KILL'])('the policy is gone when setup ends by SIG%s in the middle', (signal) => {
    const { output, log } = inside(
      `(setup) & pid=$!; waitfor 'policy says'; kill -${signal} $pid; wait $pid; left during
       echo >$folder/go; while [ -e ${policy} ]; do sleep 0.02; done; left after`,
    );
    expect(log).toBe('policy says 101\n');
    // apt-get goes on, so services must not start yet.
    expect(output).toMatch(/during: left[\s\S]*after: gone/);
  });

  it('what is left when all is killed at once goes at the next start, whether or not something is to be installed', () => {
    const { output } = inside(
      `(setup) & pid=$!; waitfor 'policy says'
       child() { cat /proc/$1/task/$1/children; }
       shell=$(child $pid); kill -KILL $pid $shell $(child $shell); left killed
       for program in haproxy nft ipvsadm nginx redis-server redis-cli; do ln -sf /bin/true /usr/sbin/$program; done
       rm $folder/.setup-lock; (setup); left after`,
    );
    expect(output).toMatch(/killed: left[\s\S]*removing \/usr\/sbin\/policy-rc.d[\s\S]*after: gone/);
  });

  it("the machine's own policy stays as it is", () => {
    const { output, log } = inside(`echo 'exit 104' >${policy}; echo >$folder/go; (setup); left after; cat ${policy}`);
    expect(log).toBe('policy says 104\n');
    expect(output).toMatch(/after: left\nexit 104/);
  });
});
