// Makes this machine ready, says what it does, and hands over: `node setup.mjs [program.ts args…]`.
// Plain JavaScript without dependencies, for it must run before `npm ci` has, on any Node from 20 on.
// When all is there it costs a few file look-ups and the program runs in this very process.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import module, { createRequire } from 'node:module';
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

const say = (line) => process.stderr.write(`idlelab set-up: ${line}\n`);

function fail(what, todo) {
  process.stderr.write(`idlelab set-up: ${what}\n  what to do: ${todo}\n`);
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

function installSystemPackages() {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  const packages = packagesOf(missing);
  const command = installCommand(packages);
  say(`installing system packages: ${packages.join(' ')} (their services are not started)`);
  // The packages would start a Redis and an HAProxy of the machine's own; the lab wants the programs only.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { env, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  try {
    let result = apt('install', '-y', '--no-install-recommends', ...packages);
    if (result.status !== 0) {
      say('refreshing the package lists (apt-get update)');
      apt('update');
      result = apt('install', '-y', '--no-install-recommends', ...packages);
    }
    if (result.status !== 0)
      fail(`apt-get could not install ${packages.join(' ')}:\n${(result.stderr ?? '').trim()}`, command);
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
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

/** One set-up at a time: two commands started at once in a fresh clone must not run `npm ci` into each other. */
function withLock(work) {
  const lock = join(root, '.setup-lock');
  for (let told = false; ; ) {
    try {
      const fd = openSync(lock, 'wx');
      writeSync(fd, String(process.pid));
      closeSync(fd);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST')
        fail(
          `cannot write in ${root}: ${error.message}`,
          'make the folder writable, or copy the project to one that is',
        );
      const holder = Number(readFileSync(lock, 'utf8') || '0');
      if (holder && !existsSync(`/proc/${holder}`)) rmSync(lock, { force: true });
      else if (!told) {
        say(`another set-up is running (process ${holder}), waiting for it`);
        told = true;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
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
