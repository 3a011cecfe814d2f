import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { socketTable } from '../linux/inet-diag.ts';
import { closeDescriptor, processDescriptor, socketOptions } from '../linux/libc.ts';
import type { KernelSocketOptions, SeenSocket } from './lab.ts';

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The kernel's own values for the TCP sockets of one process, added by inode. What is closed meanwhile has no answer. */
function addOptionsOf(pid: number, options: Map<number, KernelSocketOptions>): void {
  let pidfd: number | undefined;
  try {
    // A busy server has thousands of sockets: what is the same for all of them is asked once.
    const program = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    pidfd = processDescriptor(pid);
    for (const descriptor of list(`/proc/${pid}/fd`)) addOption(pid, pidfd, descriptor, program, options);
  } catch {
    // The process has ended.
  } finally {
    if (pidfd !== undefined) closeDescriptor(pidfd);
  }
}

function addOption(
  pid: number,
  pidfd: number,
  descriptor: string,
  program: string,
  options: Map<number, KernelSocketOptions>,
): void {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
    if (inode === undefined) return;
    options.set(Number(inode), { process: program, ...socketOptions(pidfd, Number(descriptor)) });
  } catch {
    // A socket that is closed between the look and the question, or is no TCP socket, has no answer to give.
  }
}

function optionsOf(pids: Iterable<number>): Map<number, KernelSocketOptions> {
  const options = new Map<number, KernelSocketOptions>();
  for (const pid of pids) addOptionsOf(pid, options);
  return options;
}

/**
 * The TCP sockets of the network namespace this thread is in, but for listening ones.
 * @param pids the processes whose sockets are asked for the kernel's values
 */
export function lookAtSockets(pids: Iterable<number>): SeenSocket[] {
  const sockets = socketTable();
  const options = optionsOf(pids);
  return sockets.map((socket) => {
    const kernel = options.get(socket.inode);
    return kernel ? { ...socket, kernel } : socket;
  });
}
