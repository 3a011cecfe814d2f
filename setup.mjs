// Makes this machine ready, says what it does, and hands over: `node setup.mjs [program.ts args…]`.
// Plain JavaScript without dependencies, for it must run before `npm ci` has, on any Node from 20 on.
// When all is there it costs a few file look-ups and the program runs in this very process.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import module, { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const CANNOT_RUN = 3;
const nodeBin = join(root, 'node_modules/.bin/node');

// Debian and Ubuntu packages of every program the lab calls by name.
const SYSTEM_PACKAGES = {
  haproxy: 'haproxy',
  nft: 'nftables',
  ipvsadm: 'ipvsadm',
  nginx: 'nginx-light libnginx-mod-stream',
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  unshare: 'util-linux',
};

const say = (line) => process.stderr.write(`idlelab setup: ${line}\n`);

function fail(what, todo) {
  process.stderr.write(`idlelab setup: ${what}\n  what to do: ${todo}\n`);
  process.exit(CANNOT_RUN);
}

function missingPrograms() {
  const folders = [
    ...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']),
  ];
  return Object.keys(SYSTEM_PACKAGES).filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

const packagesOf = (programs) => [...new Set(programs.flatMap((name) => SYSTEM_PACKAGES[name].split(' ')))].sort();

const installCommand = (packages) => `apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/** Ends here, with what to type, where we cannot install system packages ourselves. */
function mayInstall(missing) {
  const packages = packagesOf(missing);
  const what = `missing programs: ${missing.join(', ')}`;
  if (!existsSync('/usr/bin/apt-get'))
    fail(
      what,
      `install them with your distribution's package manager (Debian calls the packages: ${packages.join(' ')})`,
    );
  if (process.getuid() !== 0) fail(what, `sudo ${installCommand(packages)}`);
}

// Packages would start a Redis and an HAProxy of the machine's own; the lab wants the programs only. This file forbids it.
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# written by the setup of idlelab, which takes it away: ';

/**
 * Runs a command while services are not started: sh -c … sh <policy file> <mark> <open owner's record> <command>. A shell of its
 * own, for it outlives us when we are killed; when it is killed too, the next setup knows the file by its record. A policy that
 * is not ours stays.
 */
const WITHOUT_SERVICES = `
policy=$1 mark=$2 stat=$(cat /proc/$$/stat)
start=$(echo "\${stat##*) }" | cut -d ' ' -f 20)
text="#!/bin/sh
$mark$3,\\"pid\\":$$,\\"start\\":\\"$start\\"}
exit 101"
shift 3
take_away() { if [ "$(cat "$policy" 2>/dev/null)" = "$text" ]; then rm -f "$policy"; fi; }
if [ ! -e "$policy" ]; then
  trap take_away EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  echo "$text" >"$policy.idlelab" && chmod 755 "$policy.idlelab" && mv "$policy.idlelab" "$policy" || exit 1
fi
"$@"
exit $?`;

/** What a setup left that was killed with all of its processes. Packages installed since would not start their services. */
function removeOldPolicy() {
  const text = textOf(() => readFileSync(POLICY, 'utf8'));
  const at = text.indexOf(POLICY_MARK);
  if (at < 0) return;
  const record = recordIn(text.slice(at + POLICY_MARK.length).split('\n')[0]);
  if (lifeOf(record) !== 'gone') return;
  say(`removing ${POLICY}, which a setup that was killed has left`);
  rmSync(POLICY, { force: true });
}

function installSystemPackages() {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  const packages = packagesOf(missing);
  const command = installCommand(packages);
  say(`installing system packages: ${packages.join(' ')} (their services are not started)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { pid: _pid, start: _start, ...place } = owner();
  const record = JSON.stringify(place).slice(0, -1);
  const apt = (...args) =>
    spawnSync('sh', ['-c', WITHOUT_SERVICES, 'sh', POLICY, POLICY_MARK, record, 'apt-get', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  let result = apt('install', '-y', '--no-install-recommends', ...packages);
  if (result.status !== 0 && result.signal === null) {
    say('refreshing the package lists (apt-get update)');
    apt('update');
    result = apt('install', '-y', '--no-install-recommends', ...packages);
  }
  if (result.status !== 0)
    fail(`apt-get could not install ${packages.join(' ')}:\n${(result.stderr ?? '').trim()}`, command);
  const still = missingPrograms();
  if (still.length > 0) fail(`still missing after the installation: ${still.join(', ')}`, command);
}

const lockFile = join(root, 'package-lock.json');
const stampFile = join(root, 'node_modules/.idlelab-setup');
const nodeModulesAreCurrent = () => {
  try {
    return (
      readFileSync(stampFile, 'utf8') === readFileSync(lockFile, 'utf8').slice(-4096) + statSync(lockFile).size &&
      existsSync(nodeBin)
    );
  } catch {
    return false;
  }
};

const textOf = (read) => {
  try {
    return read().trim();
  } catch {
    return '';
  }
};
const statOf = (pid) => {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', start: fields[19] ?? '' };
};

/** This process, as src/base/owner.ts tells it; a copy, for that is TypeScript. */
const owner = () => ({
  host: hostname(),
  machine: textOf(() => readFileSync('/etc/machine-id', 'utf8')),
  boot: textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
  pidNamespace: textOf(() => readlinkSync('/proc/self/ns/pid')),
  pid: process.pid,
  start: statOf('self').start,
});

function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** Whether an owner still runs, as src/base/owner.ts decides it: "alive", "gone", or "unknown", which is left alone. */
function lifeOf(record) {
  const me = owner();
  if (typeof record?.host !== 'string' || !(record.pid > 0) || !record.boot || !me.boot) return 'unknown';
  if (record.host !== me.host) return 'unknown';
  if (record.boot !== me.boot) return record.machine && record.machine === me.machine ? 'gone' : 'unknown';
  if (!record.pidNamespace || record.pidNamespace !== me.pidNamespace) return 'unknown';
  if (!isThere(record.pid)) return 'gone';
  const procIsOurs = textOf(() => readlinkSync('/proc/self')) === String(process.pid);
  const { state, start } = procIsOurs ? statOf(record.pid) : { state: '', start: '' };
  if (start === '') return isThere(record.pid) ? 'unknown' : 'gone';
  return start === record.start && !/[ZX]/.test(state) ? 'alive' : 'gone';
}

function recordIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a lock's file says; undefined where there is none. */
function lockText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const unique = () => randomBytes(6).toString('hex');

/**
 * Takes a lock, also one whose owner is gone, as src/base/folder.ts does: from an owner that is gone only with the claim on
 * exactly its holding. @returns undefined, or who has it
 */
function tryLock(file, mine) {
  for (;;) {
    const beside = `${file}.new-${unique()}`;
    writeFileSync(beside, mine, { flag: 'wx' });
    try {
      linkSync(beside, file);
      return undefined;
    } catch (error) {
      if (error.code !== 'EEXIST') {
        // A file system without hard links.
        try {
          writeFileSync(file, mine, { flag: 'wx' });
          return undefined;
        } catch (second) {
          if (second.code !== 'EEXIST') throw second;
        }
      }
    } finally {
      rmSync(beside, { force: true });
    }
    const theirs = lockText(file);
    if (theirs === undefined) continue;
    const record = recordIn(theirs);
    const life = lifeOf(record);
    if (life !== 'gone') return { file, record, life };
    const claim = `${file}.after-${createHash('sha256').update(theirs).digest('hex').slice(0, 16)}`;
    const claimant = tryLock(claim, mine);
    if (claimant !== undefined) return claimant;
    try {
      if (lockText(file) !== theirs) continue;
      writeFileSync(beside, mine, { flag: 'wx' });
      renameSync(beside, file);
    } finally {
      rmSync(claim, { force: true });
    }
    return undefined;
  }
}

/** One setup at a time: two commands started at once in a fresh clone must not run `npm ci` into each other. */
function withLock(work) {
  const lock = join(root, '.setup-lock');
  const mine = JSON.stringify({ ...owner(), holding: unique() });
  const tried = () => {
    try {
      return tryLock(lock, mine);
    } catch (error) {
      return fail(
        `cannot write in ${root}: ${error.message}`,
        'make the folder writable, or copy the project to one that is',
      );
    }
  };
  for (let told = '', held = tried(); held !== undefined; held = tried()) {
    const who = held.record ? `process ${held.record.pid} on ${held.record.host}` : 'an unknown process';
    if (held.life !== 'alive')
      fail(
        `${held.file} says that another setup is running (${who}); whether it still is cannot be seen from here`,
        `wait for it; if it has ended, remove ${held.file}`,
      );
    const text = `another setup is running (${who}), waiting for it`;
    if (text !== told) say(text);
    told = text;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const release = () => {
    if (lockText(lock) === mine) rmSync(lock, { force: true });
  };
  // `fail` ends the process, and with it no `finally` is reached.
  process.once('exit', release);
  work();
  process.off('exit', release);
  release();
}

function installNpmPackages() {
  if (nodeModulesAreCurrent()) return;
  say('installing npm packages (npm ci; Node 24 comes with them)');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) fail('npm ci failed', 'see its message above; the npm registry must be reachable');
  if (!existsSync(nodeBin)) {
    // Where npm does not run install scripts, the node package has not fetched its binary yet.
    spawnSync(process.execPath, ['installArchSpecificPackage'], {
      cwd: join(root, 'node_modules/node'),
      stdio: ['ignore', 2, 2],
    });
    spawnSync('npm', ['rebuild', 'node', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  }
  if (!existsSync(nodeBin)) fail('the npm package "node" did not bring its binary', 'npm rebuild node');
  writeFileSync(stampFile, readFileSync(lockFile, 'utf8').slice(-4096) + statSync(lockFile).size);
}

if (process.platform !== 'linux')
  fail(
    `idlelab needs a Linux kernel, this is ${process.platform}`,
    'run it in a Linux virtual machine, or in a container of the image (README.md, "On containers")',
  );
if (!nodeModulesAreCurrent()) withLock(installNpmPackages);

const [program, ...args] = process.argv.slice(2);

/** Whether the lab is to be played on containers, whose image brings the programs. */
const onContainers = () => {
  const engine = args.find((arg) => arg.startsWith('--engine='))?.slice(9) ?? args[args.indexOf('--engine') + 1 || -1];
  return (engine ?? process.env.IDLELAB_ENGINE) === 'docker';
};
const engineAnswers = () => {
  if (process.env.DOCKER_HOST) return true;
  try {
    accessSync('/var/run/docker.sock', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};
const canInstall = existsSync('/usr/bin/apt-get') && process.getuid() === 0;

if (canInstall && existsSync(POLICY)) removeOldPolicy();
const missing = onContainers() ? [] : missingPrograms();
if (missing.length > 0 && !canInstall && /scenario\.ts$/.test(program ?? '') && engineAnswers()) {
  say(`missing here: ${missing.join(', ')}; the lab is played on containers, which bring them`);
  process.env.IDLELAB_ENGINE = 'docker';
} else if (missing.length > 0) {
  mayInstall(missing);
  withLock(installSystemPackages);
}

if (program) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const file = join(root, program);
  const cache = join(root, 'node_modules/.cache/idlelab');
  if (major > 24 || (major === 24 && minor >= 19)) {
    process.env.NODE_COMPILE_CACHE ??= cache;
    module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
    process.argv = [process.argv[0], file, ...args];
    await import(pathToFileURL(file).href);
  } else {
    // The set-up itself ran on an older Node; the project has brought its own by now.
    const binary = createRequire(import.meta.url).resolve('node/bin/node');
    const result = spawnSync(binary, [fileURLToPath(import.meta.url), program, ...args], {
      stdio: 'inherit',
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}` },
    });
    process.exit(result.status ?? 128 + (result.signal === 'SIGINT' ? 2 : 9));
  }
}
