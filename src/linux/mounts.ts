import { openSync } from 'node:fs';
import koffi from 'koffi';
import { systemCall } from './system-calls.ts';

// Mounts and the namespaces that decide what a started program sees. Each call throws with its name and errno.
const libc = koffi.load('libc.so.6');
const c = {
  unshare: libc.func('int unshare(int)'),
  setns: libc.func('int setns(int, int)'),
  mount: libc.func('int mount(const char *, const char *, const char *, unsigned long, const char *)'),
  umount2: libc.func('int umount2(const char *, int)'),
  pivotRoot: libc.func('syscall', 'long', ['long', 'const char *', 'const char *']),
  mountSetattr: libc.func('syscall', 'long', [
    'long',
    'int',
    'const char *',
    'unsigned int',
    'const uint8_t *',
    'size_t',
  ]),
};

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWPID = 0x20000000;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_NOSUID = 2n;
const MS_BIND_REC = 0x5000;
const MS_NOSUID_NODEV = 0x6;
const MNT_DETACH = 2;

function check(call: string, result: number): void {
  if (result >= 0) return;
  const errno = koffi.errno();
  throw Object.assign(new Error(`${call} failed with errno ${errno}`), { errno });
}

/** A tmpfs without devices or set-user-ID programs. @param options as of mount(8), for example `mode=755` */
export const mountTmpfs = (target: string, options: string): void =>
  check(`mount(tmpfs, ${target})`, c.mount('tmpfs', target, 'tmpfs', MS_NOSUID_NODEV, options));

/** Shows a file or a folder, with all that is mounted below it, at a second place. */
export const bindTree = (source: string, target: string): void =>
  check(`mount(${source}, ${target})`, c.mount(source, target, null, MS_BIND_REC, null));

/** Nothing below can be written, and no program there gains rights by being started (mount_setattr(2), Linux 5.12). */
export function makeReadOnly(target: string): void {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0);
  check(
    'mount_setattr',
    Number(c.mountSetattr(systemCall('mountSetattr'), AT_FDCWD, target, AT_RECURSIVE, attributes, attributes.length)),
  );
}

/** Makes a folder, which is a mount, the root; the root of before is gone from this mount namespace. */
export function changeRoot(folder: string): void {
  check('pivot_root', Number(c.pivotRoot(systemCall('pivotRoot'), folder, folder)));
  // Where new root and old root are one folder, the old one lies on top (pivot_root(2)).
  check('umount2', c.umount2('/', MNT_DETACH));
}

/** What a started program sees: mounts, and processes. Descriptors of namespaces. */
export interface View {
  mounts: number;
  /** Process namespace of programs that are started; undefined for our own. */
  processes?: number;
}

const open = (name: string) => openSync(`/proc/thread-self/ns/${name}`, 'r');
let home: Required<View> | undefined;
const homeView = (): Required<View> => {
  home ??= { mounts: open('mnt'), processes: open('pid') };
  return home;
};

function enterMounts(mounts: number): void {
  // A mount namespace can be entered only by a thread whose root and working directory are not shared.
  check('unshare', c.unshare(CLONE_FS));
  check('setns', c.setns(mounts, CLONE_NEWNS));
}

const enterProcesses = (processes: number) => check('setns', c.setns(processes, CLONE_NEWPID));

/** Runs synchronous code with the files of a view; processes that it starts have the view. Only this thread moves. */
export function inView<T>({ mounts, processes }: View, work: () => T): T {
  const back = homeView();
  try {
    enterMounts(mounts);
    if (processes !== undefined) enterProcesses(processes);
    return work();
  } finally {
    enterMounts(back.mounts);
    enterProcesses(back.processes);
  }
}

/**
 * Copies the mounts of a view, or our own, into a new mount namespace and changes them there.
 * @param change synchronous code that mounts
 */
export function newMounts(of: View | undefined, change: () => void): View {
  return inView(of ?? homeView(), () => {
    check('unshare', c.unshare(CLONE_NEWNS));
    const view = { mounts: open('mnt') };
    change();
    return view;
  });
}

/** Starts the first process of a new process namespace. @returns the view with that namespace */
export function withProcesses<T>(view: View, start: () => T): { view: Required<View>; first: T } {
  const back = homeView();
  try {
    enterMounts(view.mounts);
    check('unshare', c.unshare(CLONE_NEWPID));
    const first = start();
    // Our own /proc is needed to open it: that of the view may show the new processes only by now.
    enterMounts(back.mounts);
    return { view: { mounts: view.mounts, processes: open('pid_for_children') }, first };
  } finally {
    enterMounts(back.mounts);
    enterProcesses(back.processes);
  }
}
