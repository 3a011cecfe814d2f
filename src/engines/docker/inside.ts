// The first process of a container that is a host of the lab. Lines of JSON on standard input tell it what to do, lines on
// standard output tell what happens (control.ts). Its standard input is its lifeline: when that closes, whoever gave the
// orders is gone, and the container ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { now } from '../../base/clock.ts';
import { LabError, messageOf } from '../../base/errors.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import { filterCalls } from '../../linux/call-filter.ts';
import { flowTable, forgetFlows } from '../../linux/ctnetlink.ts';
import { kernelHz } from '../../linux/libc.ts';
import { routeTable } from '../../linux/rtnetlink.ts';
import { askSocket } from '../../stage/ask.ts';
import { dropSockets } from '../../stage/drop-sockets.ts';
import { lookAtSockets } from '../../stage/look.ts';
import { toItsEnd } from '../../stage/to-its-end.ts';
import { Watcher } from '../../stage/watch/watcher.ts';
import { type FromHost, type Hello, INSIDE, type Question, type Questions, type ToHost } from './control.ts';

/** The image's own user, for programs that need no right over the network. */
const [uid, gid] = [10_001, 10_001];

// For this process, the threads that it starts from now on, and every program. A container engine has a filter of its own,
// which lets through what ours does not.
filterCalls();

let said = 0;
type Said<T> = T extends unknown ? Omit<T, 'n'> : never;
const say = (line: Said<FromHost>) => process.stdout.write(`${JSON.stringify({ n: ++said, ...line })}\n`);

const processes = new Map<number, ChildProcess>();
const watcher = new Watcher();
watcher.died.catch((error: unknown) => say({ watchFailed: messageOf(error) }));

function interfaces(): Hello['interfaces'] {
  const addresses = networkInterfaces();
  return readdirSync('/sys/class/net').map((name) => ({
    name,
    index: Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')),
    address: addresses[name]?.find(({ family }) => family === 'IPv4')?.address,
  }));
}

const answers: {
  [Q in Question]: (given: Questions[Q]['takes']) => Questions[Q]['gives'] | Promise<Questions[Q]['gives']>;
} = {
  spawn: ({ process: number, what, args, input, privileged }) => {
    const [program, all] =
      'program' in what
        ? [what.program, args]
        : [process.execPath, [join(codeRoot, what.module + moduleExtension), ...args]];
    const child = spawn(program, all, {
      stdio: [input, 'pipe', 'pipe'],
      cwd: INSIDE.lab,
      ...(privileged ? {} : { uid, gid }),
    });
    processes.set(number, child);
    child.stdin?.on('error', () => {});
    child.stdout?.setEncoding('utf8').on('data', (out: string) => say({ process: number, out }));
    child.stderr?.setEncoding('utf8').on('data', (err: string) => say({ process: number, err }));
    child.once('error', (error) => say({ process: number, failed: error.message }));
    child.once('exit', () => processes.delete(number));
    child.once('close', (code, signal) => say({ process: number, ended: { code, signal } }));
    return { pid: child.pid };
  },
  run: ({ program, args, input, privileged }) =>
    toItsEnd(
      spawn(program, args, {
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        cwd: INSIDE.lab,
        ...(privileged ? {} : { uid, gid }),
      }),
      input,
      `${program} ${args.join(' ')}`,
    ),
  place: ({ name, text }) => {
    const file = join(INSIDE.lab, name);
    writeFileSync(file, text, { mode: 0o644 });
    return file;
  },
  ask: ({ socketFile, question }) => askSocket(socketFile, question),
  sysctl: ({ name, value }) => {
    // The container engine has set it: /proc/sys is read-only here. What counts is what the kernel says.
    const file = `/proc/sys/${name.replaceAll('.', '/')}`;
    const found = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'not there';
    if (found !== value) throw new Error(`${name} is ${found}, not ${value}`);
    return null;
  },
  procNet: ({ file }) => {
    const path = `/proc/net/${file}`;
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  },
  sockets: () => {
    const pids = [...processes.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    return { time: now(), sockets: lookAtSockets(pids) };
  },
  clock: () => now(),
  flows: () => flowTable(),
  routes: () => {
    const names = new Map(interfaces().map(({ index, name }) => [index, name]));
    return routeTable().map(({ to, via, interface: index }) => ({ to, via, nic: names.get(index) }));
  },
  dropSockets: async () => {
    await dropSockets((rules) => toItsEnd(spawn('nft', ['-f', '-']), rules, 'nft'));
    return null;
  },
  forgetFlows: () => {
    forgetFlows();
    return null;
  },
  watch: async (order) => {
    mkdirSync(order.folder, { recursive: true });
    await watcher.start({ ...order, hosts: order.hosts.map((host) => ({ ...host, namespace: undefined })) });
    return null;
  },
  unwatch: async () => ({ lost: await watcher.stop(), memoryMb: Math.round(process.resourceUsage().maxRSS / 1024) }),
};

async function answer(id: number, work: () => unknown): Promise<void> {
  try {
    say({ answer: id, value: (await work()) ?? null });
  } catch (error) {
    say({
      answer: id,
      error: {
        code: error instanceof LabError ? error.code : undefined,
        message: messageOf(error),
        todo: error instanceof LabError ? error.todo : '',
      },
    });
  }
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(0));
createInterface({ input: process.stdin })
  .on('line', (text) => {
    const line = JSON.parse(text) as ToHost;
    if ('ask' in line) void answer(line.id, () => (answers[line.ask] as (given: unknown) => unknown)(line.with));
    else if ('write' in line) processes.get(line.write)?.stdin?.write(line.text);
    else if ('signal' in line) processes.get(line.signal)?.kill(line.name);
    else watcher.attend();
  })
  .on('close', () => process.exit(0));

say({ hello: { hz: kernelHz(), kernel: release(), node: process.version, interfaces: interfaces() } });
