// A program in a lab that tries whatever it must not be able to do, and prints what came of it as one line of JSON: by attempt,
// "refused: <why>" or "DONE: <what it reached>". It runs in the place of a server. GIVEN (see isolation.ts) names its targets on
// the machine. It does no lasting harm where it is not refused.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const koffi = require(GIVEN.koffi);

const libc = koffi.load('libc.so.6');
const call = (declaration) => {
  const work = libc.func(declaration);
  return (...args) => {
    const result = Number(work(...args));
    if (result < 0) throw new Error(`errno ${koffi.errno()}`);
    return result;
  };
};
const socket = call('int socket(int, int, int)');
const syscall = call('long syscall(long, long, long, long)');
const ptrace = call('long ptrace(long, long, void *, void *)');
const [AF_INET, AF_PACKET, SOCK_RAW, IPPROTO_TCP] = [2, 17, 3, 6];
const [PTRACE_ATTACH, PTRACE_DETACH] = [16, 17];
const [SYS_FINIT_MODULE, SYS_REBOOT, CAD_ON] = [313, 169, 0x89abcdef];
const CLONE_NEWNS = 0x20000;
const unshare = call('int unshare(int)');

const run = (program, ...args) => {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim().split('\n')[0] || `exit code ${status}`);
  return 'exit code 0';
};
const connect = (options) =>
  new Promise((resolve, reject) => {
    const there = net.connect({ timeout: 1000, ...options });
    there.once('connect', () => {
      there.destroy();
      resolve('connected');
    });
    there.once('timeout', () => reject(new Error('no answer')));
    there.once('error', reject);
  });
/** Processes that are not ours: neither this one nor the one above it, nor the first. */
const others = () => {
  const mine = new Set();
  for (const pid of [process.pid, process.ppid, 1]) {
    mine.add(pid);
    // Threads have numbers as well.
    if (pid !== 0) for (const thread of fs.readdirSync(`/proc/${pid}/task`)) mine.add(Number(thread));
  }
  const found = [];
  for (let pid = 2; pid < 3000 && found.length < 3; pid++) {
    if (mine.has(pid)) continue;
    try {
      process.kill(pid, 0);
      found.push(pid);
    } catch (error) {
      if (error.code === 'EPERM') found.push(pid);
    }
  }
  if (found.length === 0) throw new Error('no other process to be found');
  return found;
};
const first = (works) => {
  let last = new Error('nothing to try');
  for (const work of works) {
    try {
      return work();
    } catch (error) {
      last = error;
    }
  }
  throw last;
};
/** Writes what stands there already. */
const writeSysctl = (name) => {
  const file = `/proc/sys/${name}`;
  fs.writeFileSync(file, fs.readFileSync(file));
  return `wrote ${name}`;
};

const attempts = {
  'write to a file of the machine': () => fs.appendFileSync(GIVEN.file, 'changed\n') ?? GIVEN.file,
  'make a file in a folder of the machine': () => fs.writeFileSync(`${GIVEN.folder}/made`, '') ?? GIVEN.folder,
  'read a file of the machine': () => fs.readFileSync(GIVEN.file, 'utf8'),
  'write beside the machine’s programs': () => fs.writeFileSync('/usr/idlelab-test', '') ?? '/usr',
  'write into the lab’s own code': () => fs.writeFileSync(`${GIVEN.code}/idlelab-test`, '') ?? GIVEN.code,
  'see runs and evidence': () => fs.readdirSync(GIVEN.runs).join(),
  'write to a file through the root of another process': () =>
    first(others().map((pid) => () => fs.appendFileSync(`/proc/${pid}/root${GIVEN.file}`, 'changed\n') ?? pid)),
  'open a disk': () =>
    first(
      fs
        .readdirSync('/dev')
        .map((name) => `/dev/${name}`)
        .filter((file) => fs.statSync(file, { throwIfNoEntry: false })?.isBlockDevice())
        .map((file) => () => fs.closeSync(fs.openSync(file, 'r')) ?? file),
    ),
  'make a device': () => run('mknod', `${process.env.TMPDIR ?? '/tmp'}/idlelab-disk`, 'b', '7', '0'),
  'connect to a server on the machine’s 127.0.0.1': () => connect({ host: '127.0.0.1', port: GIVEN.port }),
  'connect to a server on an address of the machine': () => connect({ host: GIVEN.address, port: GIVEN.port }),
  'connect to an abstract socket of the machine': () => connect({ path: `\0${GIVEN.abstract}` }),
  'connect to a socket file of the machine': () => connect({ path: GIVEN.socket }),
  'connect to the container engine': () => connect({ path: '/var/run/docker.sock' }),
  'leave its mounts': () => unshare(CLONE_NEWNS),
  'become root in a user namespace': () => run('unshare', '--user', '--map-root-user', 'true'),
  'enter the first process’s namespaces': () => run('nsenter', '--target', '1', '--mount', 'true'),
  'load a module': () => {
    const file = fs.openSync(process.execPath, 'r');
    try {
      syscall(SYS_FINIT_MODULE, file, 0, 0);
    } catch (error) {
      // A kernel that has come as far as looking at the file would have loaded a module.
      if (/errno (8|14|22)$/.test(error.message)) return error.message;
      throw error;
    }
    return 'loaded';
  },
  reboot: () => syscall(SYS_REBOOT, 0xfee1dead, 0x28121969, CAD_ON),
  'open the magic key': () => fs.closeSync(fs.openSync('/proc/sysrq-trigger', 'w')) ?? 'opened',
  'set a sysctl of its network': () => writeSysctl('net/ipv4/tcp_retries2'),
  'set a sysctl of the machine': () =>
    first(['vm/swappiness', 'kernel/core_pattern'].map((name) => () => writeSysctl(name))),
  'send raw packets': () => socket(AF_INET, SOCK_RAW, IPPROTO_TCP),
  'listen to all packets': () => socket(AF_PACKET, SOCK_RAW, 0),
  'change the packet filter': () => run('nft', 'add', 'table', 'inet', 'hostile'),
  'see another host’s programs': () => others().join(),
  'kill another host’s program': () => first(others().map((pid) => () => process.kill(pid, 0) && pid)),
  'trace another host’s program': () =>
    first(
      others().map((pid) => () => {
        ptrace(PTRACE_ATTACH, pid, null, null);
        ptrace(PTRACE_DETACH, pid, null, null);
        return pid;
      }),
    ),
  'have a capability': () => {
    const rights = fs.readFileSync('/proc/self/status', 'utf8').match(/^Cap(Inh|Prm|Eff|Amb):\t(?!0+$).*$/gm);
    if (rights === null) throw new Error('none');
    return rights.join();
  },
  'gain privileges by a program': () => {
    if (/^NoNewPrivs:\t1$/m.test(fs.readFileSync('/proc/self/status', 'utf8'))) throw new Error('no_new_privs');
    return 'no_new_privs is not set';
  },
  'read the caller’s environment': () => {
    if (process.env.IDLELAB_TEST_SECRET === undefined) throw new Error('not set');
    return process.env.IDLELAB_TEST_SECRET;
  },
  // These come last: where they are not refused, what follows would see something else.
  'mount the root again, writable': () => run('mount', '-o', 'remount,rw', '/'),
  'mount something': () => run('mount', '-t', 'tmpfs', 'tmpfs', '/var'),
  'mount the machine’s files where the kernel could': () => run('mount', '-t', 'hostfs', 'none', '/var'),
  unmount: () => run('umount', '/proc'),
};

(async () => {
  const outcomes = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      outcomes[name] = `DONE: ${await attempt()}`;
    } catch (error) {
      outcomes[name] = `refused: ${error.message}`;
    }
  }
  console.log(`hostile ${JSON.stringify(outcomes)}`);
  process.exitCode = 1;
})();
