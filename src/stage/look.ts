import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { socketTable } from '../linux/inet-diag.ts';
import { socketOptions } from '../linux/libc.ts';
import type { KernelSocketOptions, SeenSocket } from './lab.ts';

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The kernel's own values for the TCP sockets of processes, by inode. */
function optionsOf(pids: Iterable<number>): Map<number, KernelSocketOptions> {
  const options = new Map<number, KernelSocketOptions>();
  for (const pid of pids)
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
        if (inode === undefined) continue;
        options.set(Number(inode), {
          process: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(),
          ...socketOptions(pid, Number(descriptor)),
        });
      } catch {
        // A socket that is closed between the look and the question, or is no TCP socket, has no answer to give.
      }
    }
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
