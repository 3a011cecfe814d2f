import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { DEVICES, treesOf } from '../trees.ts';

/**
 * Where init.sh finds a mount(8) without a set-user-ID bit. In a user namespace files of the machine's root belong to nobody,
 * and so would whoever runs the machine's.
 */
const OWN = '.idlelab';
/** Folders that a kernel's first program mounts something on. */
const EMPTY = [OWN, 'proc', 'sys', 'run', 'tmp', 'var', 'mnt', 'dev/shm', 'etc'];
/** The kernel's first program speaks on it; the machine's own console stays closed. */
const CONSOLE = '/dev/console';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** As fstab(5) wants a path. */
const field = (path: string): string =>
  path.replaceAll(/[\s\\]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`);
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** What a kernel is to see of this machine. */
export interface Jail {
  /** Files and folders besides the machine's programs and the lab's code, to be read. */
  read: readonly string[];
  /** Folders to write to. */
  write: readonly string[];
}

/**
 * A shell script that leaves all other files of this machine behind and then becomes the program that it is given. It runs
 * as the first process of namespaces of its own (guard.sh).
 *
 * usage: sh -c <script> jail <an empty folder> <program> <its arguments …>
 */
export function jailScript({ read, write }: Jail): string {
  const { shown, links } = treesOf(read.filter((path) => path !== ''));
  const isFolder = (path: string) => lstatSync(path).isDirectory();
  const devices = [...DEVICES.map((name) => `/dev/${name}`), CONSOLE].filter(isThere);
  const files = [...shown.filter((path) => !isFolder(path)), ...devices];
  const folders = new Set([
    ...EMPTY.map((name) => `/${name}`),
    ...shown.filter(isFolder),
    ...[...files, ...links.map(({ path }) => path)].map(dirname),
    ...write,
  ]);
  // The root of the new view is "@" until the script knows it.
  const mounts = [
    ...shown.map((path) => `${field(path)} @${field(path)} none rbind,ro,nosuid 0 0`),
    ...devices.map((path) => `${path} @${path} none bind,ro${path === CONSOLE ? ',nodev' : ''} 0 0`),
    ...write.map((path) => `${field(path)} @${field(path)} none bind,rw,nosuid,nodev 0 0`),
    '/proc @/proc none rbind 0 0',
    // A kernel keeps its memory in a file that it executes.
    'tmpfs @/dev/shm tmpfs mode=1777,nosuid,nodev,exec 0 0',
    'tmpfs @/run tmpfs mode=755,nosuid,nodev 0 0',
  ];
  return [
    'set -e',
    'PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin',
    'at=$1',
    'shift',
    'mount -t tmpfs -o mode=755,nosuid tmpfs "$at"',
    'cd "$at"',
    `mkdir -p ${[...folders].map((path) => quoted(`.${path}`)).join(' ')}`,
    ...files.map((path) => `: >${quoted(`.${path}`)}`),
    ...links.map(({ path, target }) => `ln -s ${quoted(target)} ${quoted(`.${path}`)}`),
    `cp "$(command -v mount)" ./${OWN}/mount`,
    `printf '%s\\n' ${mounts.map(quoted).join(' ')} | sed "s| @/| $at/|" >fstab`,
    'mount -a -T fstab',
    // Of the mount, not of its file system, whose owner may have no number in here.
    'mount -o remount,bind,ro "$at"',
    'pivot_root . .',
    'umount -l .',
    'cd /',
    'export TMPDIR=/dev/shm',
    // The shell stays, as the first process: what it started ends with it, and it with who started it.
    'code=0',
    'setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all "$@" || code=$?',
    'exit $code',
  ].join('\n');
}
