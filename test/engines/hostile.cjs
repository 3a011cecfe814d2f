// A program in a lab that tries whatever it must not be able to do, and prints what came of it as one line of JSON: by attempt,
// "refused: <name of the error, or why>", "DONE: <what it reached>", or "FAILED: …" where it was neither let nor refused, but
// could not try, for example for want of a tool. It runs in the place of a server. GIVEN (see isolation.ts) names its targets
// on the machine, and may name the only attempts to make. It does no lasting harm where it is not refused.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const { getSystemErrorName } = require('node:util');
const koffi = require(GIVEN.koffi);

const libc = koffi.load('libc.so.6');
const call = (declaration) => {
  const work = libc.func(declaration);
  return (...args) => {
    const result = Number(work(...args));
    if (result >= 0) return result;
    const code = getSystemErrorName(-koffi.errno());
    throw Object.assign(new Error(code), { code });
  };
};
const socket = call('int socket(int, int, int)');
const send = call('long send(int, const uint8_t *, size_t, int)');
const recv = call('long recv(int, uint8_t *, size_t, int)');
const syscall = call('long syscall(long, long, long, long)');
const keyctl = call('long syscall(long, long, long, long, long, long)');
const mknodat = call('long syscall(long, int, const char *, unsigned int, unsigned long)');
const mount = call('int mount(const char *, const char *, const char *, unsigned long, const char *)');
const umount = call('int umount2(const char *, int)');
const unshare = call('int unshare(int)');
const setns = call('int setns(int, int)');
const waitpid = call('int waitpid(int, void *, int)');
const ptrace = call('long ptrace(long, long, void *, void *)');
const [AF_INET, AF_NETLINK, AF_PACKET, SOCK_RAW, IPPROTO_TCP, NETLINK_NETFILTER] = [2, 16, 17, 3, 6, 12];
const [PTRACE_ATTACH, PTRACE_DETACH, WALL] = [16, 17, 0x40000000];
const SYS = {
  x64: { mknodat: 259, finitModule: 313, reboot: 169, keyctl: 250, ioUringSetup: 425 },
  arm64: { mknodat: 33, finitModule: 273, reboot: 142, keyctl: 219, ioUringSetup: 425 },
}[process.arch];
const CAD_ON = 0x89abcdef;
const [CLONE_NEWNS, S_IFBLK] = [0x20000, 0o60000];
const [MS_REMOUNT, MS_BIND] = [0x20, 0x1000];
const [KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_LINK, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING] = [1, 8, 11, -3];

/** It was tried, and is not there to be had. */
class Refused extends Error {}
const refuse = (why) => {
  throw new Refused(why);
};

const connect = (options) =>
  new Promise((resolve, reject) => {
    const there = net.connect({ timeout: 1000, ...options });
    there.once('connect', () => {
      there.destroy();
      resolve('connected');
    });
    there.once('timeout', () => reject(new Refused('no answer')));
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
  if (found.length === 0) refuse('no other process');
  return found;
};
const first = (works) => {
  let last = new Refused('nothing to try');
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
/** A table in the packet filter, as nft(8) would ask for it; the kernel's answer. */
const addTable = () => {
  const message = (type, flags, sequence, family, subsystem, attributes = Buffer.alloc(0)) => {
    const bytes = Buffer.alloc(20);
    bytes.writeUInt32LE(20 + attributes.length, 0);
    bytes.writeUInt16LE(type, 4);
    bytes.writeUInt16LE(flags, 6);
    bytes.writeUInt32LE(sequence, 8);
    bytes.writeUInt8(family, 16);
    bytes.writeUInt16BE(subsystem, 18);
    return Buffer.concat([bytes, attributes]);
  };
  const [REQUEST, ACK, CREATE, BATCH_BEGIN, BATCH_END, NEW_TABLE, NFPROTO_INET, NFTABLES] = [
    1, 4, 0x400, 16, 17, 0xa00, 1, 10,
  ];
  const name = Buffer.concat([Buffer.from([12, 0, 1, 0]), Buffer.from('hostile\0')]);
  const batch = Buffer.concat([
    message(BATCH_BEGIN, REQUEST, 1, 0, NFTABLES),
    message(NEW_TABLE, REQUEST | ACK | CREATE, 2, NFPROTO_INET, 0, name),
    message(BATCH_END, REQUEST, 3, 0, NFTABLES),
  ]);
  const descriptor = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  send(descriptor, batch, batch.length, 0);
  const answer = Buffer.alloc(4096);
  recv(descriptor, answer, answer.length, 0);
  const error = answer.readInt32LE(16);
  if (error === 0) return 'made a table';
  throw Object.assign(new Error(getSystemErrorName(error)), { code: getSystemErrorName(error) });
};
/** Files and folders that somebody opened before us. */
const inherited = () =>
  fs
    .readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => {
      if (descriptor < 3) return false;
      try {
        const found = fs.fstatSync(descriptor);
        return found.isFile() || found.isDirectory();
      } catch {
        // That of the listing itself.
        return false;
      }
    });

const attempts = {
  'use an inherited descriptor': () => {
    const found = inherited();
    if (found.length === 0) refuse('none');
    return first(found.map((descriptor) => () => fs.writeSync(descriptor, 'changed\n') && `wrote to ${descriptor}`));
  },
  'read the caller’s kernel keys': () => {
    keyctl(SYS.keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
    // Whoever has the user's number may link the user's keyring, and has what it holds by that.
    keyctl(SYS.keyctl, KEYCTL_LINK, GIVEN.keyring, KEY_SPEC_SESSION_KEYRING, 0, 0);
    return `${keyctl(SYS.keyctl, KEYCTL_READ, GIVEN.key, 0, 0, 0)} bytes`;
  },
  'set up an io_uring': () => syscall(SYS.ioUringSetup, 0, 0, 0),
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
  'make a device': () =>
    mknodat(SYS.mknodat, -100, `${process.env.TMPDIR ?? '/tmp'}/idlelab-disk`, S_IFBLK | 0o600, 7 << 8),
  'connect to a server on the machine’s 127.0.0.1': () => connect({ host: '127.0.0.1', port: GIVEN.port }),
  'connect to a server on an address of the machine': () => connect({ host: GIVEN.address, port: GIVEN.port }),
  'connect to an abstract socket of the machine': () => connect({ path: `\0${GIVEN.abstract}` }),
  'connect to a socket file of the machine': () => connect({ path: GIVEN.socket }),
  'connect to the container engine': () => connect({ path: '/var/run/docker.sock' }),
  'leave its mounts': () => unshare(CLONE_NEWNS),
  'become root in a user namespace': () => {
    // A process with threads may not try it itself.
    const { status, stderr, error } = spawnSync('unshare', ['--user', 'true'], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    if (error) throw new Error(`cannot run unshare: ${error.message}`);
    if (status === 0) return 'made one';
    const why = /unshare failed: (No space left on device|Operation not permitted)$/m.exec(stderr)?.[1];
    if (why === undefined) throw new Error(stderr);
    return refuse(why);
  },
  'enter the first process’s namespaces': () => setns(fs.openSync('/proc/1/ns/net', 'r'), 0),
  'load a module': () => {
    const file = fs.openSync(process.execPath, 'r');
    try {
      syscall(SYS.finitModule, file, 0, 0);
    } catch (error) {
      // A kernel that has come as far as looking at the file would have loaded a module.
      if (['ENOEXEC', 'EFAULT', 'EINVAL'].includes(error.code)) return error.message;
      throw error;
    }
    return 'loaded';
  },
  reboot: () => syscall(SYS.reboot, 0xfee1dead, 0x28121969, CAD_ON),
  'open the magic key': () => fs.closeSync(fs.openSync('/proc/sysrq-trigger', 'w')) ?? 'opened',
  'set a sysctl of its network': () => writeSysctl('net/ipv4/tcp_retries2'),
  'set a sysctl of the machine': () =>
    first(['kernel/core_pattern', 'kernel/panic'].map((name) => () => writeSysctl(name))),
  'send raw packets': () => socket(AF_INET, SOCK_RAW, IPPROTO_TCP),
  'listen to all packets': () => socket(AF_PACKET, SOCK_RAW, 0),
  'change the packet filter': addTable,
  'see another host’s programs': () => others().join(),
  'kill another host’s program': () => first(others().map((pid) => () => process.kill(pid, 0) && pid)),
  'trace another host’s program': () =>
    first(
      others().map((pid) => () => {
        ptrace(PTRACE_ATTACH, pid, null, null);
        waitpid(pid, null, WALL);
        ptrace(PTRACE_DETACH, pid, null, null);
        return pid;
      }),
    ),
  'have a capability': () => {
    const rights = fs.readFileSync('/proc/self/status', 'utf8').match(/^Cap(Inh|Prm|Eff|Amb):\t(?!0+$).*$/gm);
    if (rights === null) refuse('none');
    return rights.join();
  },
  'gain privileges by a program': () => {
    if (/^NoNewPrivs:\t1$/m.test(fs.readFileSync('/proc/self/status', 'utf8'))) refuse('no_new_privs');
    return 'no_new_privs is not set';
  },
  'read the caller’s environment': () => {
    if (process.env.IDLELAB_TEST_SECRET === undefined) refuse('not set');
    return process.env.IDLELAB_TEST_SECRET;
  },
  // These come last: where they are not refused, what follows would see something else.
  'mount the root again, writable': () => mount(null, '/', null, MS_REMOUNT | MS_BIND, null),
  'mount something': () => mount('tmpfs', '/var', 'tmpfs', 0, null),
  'mount the machine’s files where the kernel could': () => mount('none', '/var', 'hostfs', 0, null),
  unmount: () => umount('/proc', 0),
};

(async () => {
  const outcomes = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    if (GIVEN.only !== undefined && !GIVEN.only.includes(name)) continue;
    try {
      outcomes[name] = `DONE: ${await attempt()}`;
    } catch (error) {
      if (error instanceof Refused) outcomes[name] = `refused: ${error.message}`;
      else outcomes[name] = typeof error.code === 'string' ? `refused: ${error.code}` : `FAILED: ${error.message}`;
    }
  }
  console.log(`hostile ${JSON.stringify(outcomes)}`);
  process.exit(1);
})();
