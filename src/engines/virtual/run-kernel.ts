import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { LabError } from '../../base/errors.ts';
import { packageRoot } from '../../base/root.ts';
import { keepDescriptors } from '../../linux/descriptors.ts';
import { isBatch, type Job } from '../../plan/job.ts';
import type { ActRecord, Message } from '../../stage/record.ts';
import { LineFollower } from '../../talk/line-file.ts';
import type { Staged } from '../engine.ts';
import type { LabCode } from './bundle.ts';
import { jailScript } from './jail.ts';
import { kernelArgument, mountedFolder } from './kernel-argument.ts';

export const PLAN_FILE = 'plan.json';
/**
 * Where the lab tells what happens. A file, because the console is a pipe: once it is full, whoever writes to it sleeps until
 * somebody reads, and while every program of a time-travelling kernel sleeps its clock runs on, by hours a second. Writing to
 * hostfs halts the whole kernel instead, its clock included. The last message alone, `done` or `error`, goes to the console:
 * no step is being timed any more, and the file's disk may be full.
 */
export const MESSAGES_FILE = 'messages.ndjson';

const MEMORY = '768M';
/** The lab tells its clock every minute of its own time; a minute of it takes milliseconds. So long a silence is a hang. */
const HANG_SECONDS = 30;
/** A sweep opens thousands of connections at one moment of the lab’s time, on a machine that may have other work. */
const SWEEP_HANG_SECONDS = 150;
const TAIL_LINES = 12;
const LAST_WORDS_MS = 200;
/** What is said where guard.sh could not shut a kernel in. */
export const NOT_SHUT_IN =
  'jail: none. Namespaces are not allowed here, so the lab’s kernel has your rights on your files (npm run doctor says more)';

/** What guard.sh says of a kernel. */
type GuardMessage = { type: 'ended' } | { type: 'jail'; jail: 'none' };

/** Numbers of the CPUs we may use, in an order of chance: labs that start together try different ones first. */
export function cpus(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const numbers = list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  const start = randomInt(numbers.length);
  return [...numbers.slice(start), ...numbers.slice(0, start)];
}

export interface KernelRun {
  /** Path of the kernel. */
  kernel: string;
  job: Job;
  code: LabCode;
  /** Where the evidence goes. */
  folder: string;
  /** The run's folder, which goes when we do before the run is in its place. */
  runFolder: string;
  /** What its clock shows when it starts, milliseconds since the epoch. */
  startsAt: number;
  onMessage(message: Message): void;
  signal: AbortSignal;
}

/**
 * Kernel command line of a kernel whose files are this machine's, read-only, and whose clock jumps.
 * @param init path of its first program
 * @param startsAt what its clock shows at first, milliseconds since the epoch
 */
export function bootArguments(init: string, startsAt: number): string[] {
  return [
    ...[`mem=${MEMORY}`, 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro'],
    // Time stands still while nobody has anything to do: the clock jumps to the next timer.
    'time-travel',
    `time-travel-start=${startsAt}000000`,
    ...['quiet', 'panic=-1', 'con=null', 'con0=fd:0,fd:1', 'random.trust_cpu=on'],
    `init=${init}`,
  ];
}

/** The same for a lab; values are quoted as the kernel's parser wants it. */
function kernelArguments({ kernel, folder, code, startsAt }: KernelRun): string[] {
  const inside = join(code.root, `src/engines/virtual/inside${code.extension}`);
  return [
    ...bootArguments(join(packageRoot, 'lab/kernel/init.sh'), startsAt),
    mountedFolder('IDLELAB_FOLDER', folder, 'the runs folder'),
    kernelArgument('IDLELAB_NODE', process.execPath, 'the path of node'),
    kernelArgument('IDLELAB_PROGRAM', inside, 'the path of idlelab'),
    kernelArgument('IDLELAB_MODULES', dirname(kernel), 'the path of the kernel'),
    kernelArgument('IDLELAB_COMPILE_CACHE', process.env.NODE_COMPILE_CACHE ?? '', 'NODE_COMPILE_CACHE'),
  ];
}

/**
 * Plays a plan on a kernel of its own, User-Mode Linux with time travel: the same code, hours in seconds, without root.
 * @throws LabError when nothing could be played
 */
export async function runKernel(run: KernelRun): Promise<Staged> {
  const { kernel, job, code, folder, runFolder, onMessage, signal } = run;
  const kernelWords = kernelArguments(run);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, PLAN_FILE), JSON.stringify(job));
  const messages = join(folder, MESSAGES_FILE);
  writeFileSync(messages, '');
  const guard = join(packageRoot, 'lab/kernel/guard.sh');
  keepDescriptors();
  const child = spawn('sh', [guard, runFolder, cpus().join(' '), kernel, ...kernelWords], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own, which ends as a whole.
    detached: true,
    env: {
      ...process.env,
      IDLELAB_JAIL: jailScript({
        read: [dirname(kernel), code.root, process.env.NODE_COMPILE_CACHE ?? ''],
        write: [folder],
      }),
    },
  });
  // The guard ends the kernel and cleans up; it must not be killed before it has.
  const killAll = () => child.stdin.end();
  signal.addEventListener('abort', killAll);
  if (signal.aborted) killAll();
  child.stdin.on('error', () => {});

  const console: string[] = [];
  const remember = (line: string) => {
    if (line.trim() !== '') console.push(line.trimEnd());
    if (console.length > TAIL_LINES) console.shift();
  };
  const acts: ActRecord[] = [];
  /** Under what it runs, besides what the lab says of itself. */
  const conditions: Record<string, string> = {};
  return new Promise<Staged>((resolve, reject) => {
    let watch: NodeJS.Timeout | undefined;
    let settled = false;
    /** Nothing more is heard: it has ended, or is given up. */
    const over = () => {
      settled = true;
      clearTimeout(watch);
      told[Symbol.dispose]();
      rmSync(messages, { force: true });
    };
    const finish = (more: Pick<Staged, 'versions' | 'memoryMb' | 'problem'>) => {
      if (settled) return;
      over();
      resolve({
        acts,
        waitedSeconds: 0,
        ...more,
        versions: { ...more.versions, ...conditions },
        async [Symbol.asyncDispose]() {
          signal.removeEventListener('abort', killAll);
          child.stdin.end();
          await closed;
        },
      });
    };
    const broke = (what: string) => {
      const tail = console.length > 0 ? `; the console's last lines:\n    ${console.join('\n    ')}` : '';
      const noExec = console.some((line) => line.includes('mounted noexec'));
      finish({
        versions: {},
        memoryMb: 0,
        problem: new LabError(
          noExec ? 'NO_MEMORY_FOLDER' : 'ENGINE_DIED',
          `${what}${tail}`,
          noExec
            ? 'it keeps its memory in a file that it executes: in a container start it with --tmpfs /dev/shm:exec, else mount /dev/shm without noexec or set TMPDIR to such a folder'
            : 'run again; if it stays so, please report it with the lines above',
        ),
      });
    };
    const hangSeconds = isBatch(job) ? SWEEP_HANG_SECONDS : HANG_SECONDS;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => {
        // Perhaps it was us who did not get to read.
        if (told.read() > 0) return;
        killAll();
        broke(`the lab's clock stood still for ${hangSeconds} s: a program in it spins, or its kernel hangs`);
      }, hangSeconds * 1000);
    };
    const hear = (message: Message) => {
      alive();
      const programs = message.type === 'conditions' && { ...message.conditions.programs, ...conditions };
      onMessage(programs ? { ...message, conditions: { ...message.conditions, programs } } : message);
      if (message.type === 'played') acts.push(message.act);
    };
    const parsed = (line: string): Message | GuardMessage | undefined => {
      try {
        return JSON.parse(line) as Message | GuardMessage;
      } catch {
        remember(line);
        return undefined;
      }
    };
    const told = new LineFollower(messages, (line) => {
      const message = parsed(line);
      if (message !== undefined && message.type !== 'ended' && message.type !== 'jail') hear(message);
    });
    alive();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = parsed(line);
      if (message === undefined) return;
      told.read();
      if (message.type === 'jail') {
        conditions.jail = message.jail;
        onMessage({ type: 'preparing', text: NOT_SHUT_IN });
        return;
      }
      if (message.type === 'ended') {
        // What it printed at last comes by another pipe.
        setTimeout(() => {
          if (!settled) broke('the lab’s kernel ended unexpectedly');
        }, LAST_WORDS_MS);
        return;
      }
      hear(message);
      if (message.type === 'done')
        finish({ versions: message.versions, memoryMb: message.memoryMb, problem: undefined });
      if (message.type === 'error') {
        const problem = LabError.fromJSON(message.error);
        if (problem.leavesEvidence) finish({ versions: message.versions, memoryMb: 0, problem });
        else {
          over();
          child.stdin.end();
          reject(problem);
        }
      }
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      remember(line);
      if (/Kernel panic/.test(line)) {
        killAll();
        broke('the lab’s kernel panicked');
      }
    });
    const closed = new Promise<void>((gone) => child.once('close', () => gone()));
    child.once('error', (error) => {
      over();
      reject(new LabError('MISSING_TOOL', `cannot run sh: ${error.message}`, 'install a shell', error));
    });
    void closed.then(() => {
      clearTimeout(watch);
      signal.removeEventListener('abort', killAll);
      broke('the lab’s kernel ended unexpectedly');
    });
  });
}
