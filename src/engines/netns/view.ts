import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { LabError, messageOf } from '../../base/errors.ts';
import { closeNamespace } from '../../linux/libc.ts';
import {
  bindTree,
  changeRoot,
  inView,
  makeReadOnly,
  mountTmpfs,
  newMounts,
  type View,
  withProcesses,
} from '../../linux/mounts.ts';
import { CAP, passOnNothing, withCapabilities } from '../../linux/rights.ts';
import { DEVICES, treesOf } from '../trees.ts';

/** Where the root of all hosts is put together, in a tmpfs of the lab's own. */
const ROOT = '/run/idlelab-root';
/** What the programs of one host can write, all in memory, MB. */
const SCRATCH_MB = 256;
const HOSTS_FILE = '127.0.0.1 localhost\n::1 localhost\n';

function makeFor(source: string, target: string): void {
  if (lstatSync(source).isDirectory()) {
    mkdirSync(target, { recursive: true });
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, '');
}

/** What all hosts see alike: the machine's programs and the lab's code, to be read; no other file of this machine. */
function buildRoot(): View {
  return newMounts(undefined, () => {
    mkdirSync(ROOT, { recursive: true });
    mountTmpfs(ROOT, 'mode=755');
    const { shown, links } = treesOf();
    for (const source of [...shown, ...DEVICES.map((name) => `/dev/${name}`)]) {
      const target = join(ROOT, source);
      makeFor(source, target);
      bindTree(source, target);
    }
    for (const { path, target } of links) {
      mkdirSync(dirname(join(ROOT, path)), { recursive: true });
      if (!existsSync(join(ROOT, path))) symlinkSync(target, join(ROOT, path));
    }
    for (const folder of ['proc', 'run', 'var', 'etc']) mkdirSync(join(ROOT, folder), { recursive: true });
    writeFileSync(join(ROOT, 'etc/hosts'), HOSTS_FILE);
    // Where the lab's own code lies there, the folder stays, to be read.
    for (const [path, target] of [
      ['var/run', '/run'],
      ['tmp', '/run/tmp'],
      ['var/tmp', '/run/tmp'],
      ['dev/shm', '/run/shm'],
      ['dev/fd', '/proc/self/fd'],
      ['dev/stdin', '/proc/self/fd/0'],
      ['dev/stdout', '/proc/self/fd/1'],
      ['dev/stderr', '/proc/self/fd/2'],
    ] as const)
      if (!existsSync(join(ROOT, path))) symlinkSync(target, join(ROOT, path));
    // The kernel lets us mount a /proc of another process namespace only where there is one already.
    bindTree('/proc', join(ROOT, 'proc'));
    makeReadOnly(ROOT);
    changeRoot(ROOT);
  });
}

let root: View | undefined;

/** What all hosts see alike. Made once; from then on programs that are started here have no right that is not given to them. */
function sharedRoot(): View {
  if (root !== undefined) return root;
  const built = buildRoot();
  passOnNothing([CAP.netAdmin, CAP.netRaw, CAP.sysAdmin]);
  root = built;
  return root;
}

/** Settings of the caller that programs need. All others, passwords among them, stay outside. */
const KEPT = /^(PATH|LANG|LC_[A-Z]+|TZ|NODE_COMPILE_CACHE|NODE_NO_WARNINGS)$/;

export const labEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name))),
  HOME: '/run',
  TMPDIR: '/run/tmp',
});

/** Mounts what shows the processes of its own namespace, says so, and lives as long as its standard input is open. */
const FIRST = 'mount -t proc -o ro,nosuid,nodev,noexec proc /proc && echo up && read line';

const refused = (error: unknown): LabError =>
  new LabError(
    'NO_NAMESPACES',
    `this machine does not let the lab shut its programs in: ${messageOf(error)}`,
    'it takes Linux 5.12 or newer; in a container, start it with --privileged or use a virtual machine',
    error,
  );

/** One host's place: its files, and its processes, which end with the first of them. */
export class HostView implements Disposable {
  readonly view: Required<View>;
  /** Programs may be started once it resolves. @throws LabError NO_NAMESPACES */
  readonly ready: Promise<void>;
  readonly #first: ChildProcess;
  readonly #mounts: View;

  private constructor(view: Required<View>, mounts: View, first: ChildProcess) {
    this.view = view;
    this.#mounts = mounts;
    this.#first = first;
    let errors = '';
    first.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const lines = createInterface({ input: first.stdout as Readable });
    this.ready = Promise.race([
      once(lines, 'line').then(() => undefined),
      once(first, 'close').then(() => Promise.reject(refused(new Error(errors.trim() || 'its first process ended')))),
    ]);
    this.ready.catch(() => {});
  }

  /** Where this process finds the host's files. */
  path(file: string): string {
    return `/proc/${this.#first.pid}/root${file}`;
  }

  /**
   * Begins to make one; its first process needs a while, in which there is other work to do.
   * @param folder scratch folder on the host
   * @throws LabError NO_NAMESPACES
   */
  static open(folder: string): HostView {
    try {
      const mounts = newMounts(sharedRoot(), () => {
        mountTmpfs('/run', `mode=755,size=${SCRATCH_MB}m`);
        for (const each of ['/run/tmp', '/run/shm', folder]) mkdirSync(each, { recursive: true });
      });
      const { view, first } = withProcesses(mounts, () =>
        withCapabilities([CAP.sysAdmin], () =>
          spawn('sh', ['-c', FIRST], { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', env: labEnvironment() }),
        ),
      );
      return new HostView(view, mounts, first);
    } catch (error) {
      throw refused(error);
    }
  }

  /** Runs synchronous code whose started processes are on the host. */
  enter<T>(work: () => T): T {
    return inView(this.view, work);
  }

  [Symbol.dispose](): void {
    this.#first.kill('SIGKILL');
    closeNamespace(this.view.processes);
    closeNamespace(this.#mounts.mounts);
  }
}
