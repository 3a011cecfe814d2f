// What a command costs with all processes that it starts, as a person runs it: time, and memory at its peak.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/root.ts';

const SAMPLE_MS = 250;
/** statfs(2). */
const TMPFS_MAGIC = 0x0102_1994;

/** Kilobytes of files in the memory of a lab's own that a process sees as /run, by device; none in a process of this machine's. */
function labFiles(pid: number, devices: Map<number, number>): void {
  const folder = `/proc/${pid}/root/run`;
  const device = statSync(folder).dev;
  if (device === statSync('/run').dev || devices.has(device)) return;
  const { type, blocks, bfree, bsize } = statfsSync(folder);
  devices.set(device, type === TMPFS_MAGIC ? ((blocks - bfree) * bsize) / 1024 : 0);
}

/**
 * Memory of a process and of all that descend from it, what they share counted once (PSS), with what they keep in files in
 * memory; MB.
 */
function memoryOf(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name))
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      } catch {
        // It is gone.
      }
  const descends = (pid: number): boolean => {
    for (let each: number | undefined = pid; each !== undefined && each > 1; each = parents.get(each))
      if (each === root) return true;
    return false;
  };
  let kilobytes = 0;
  const files = new Map<number, number>();
  for (const pid of parents.keys()) {
    if (!descends(pid)) continue;
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      labFiles(pid, files);
    } catch {
      // It is gone.
    }
  }
  return Math.round([...files.values()].reduce((sum, each) => sum + each, kilobytes) / 1024);
}

/** Runs a command of ours as a person would. @throws Error where it does not end with 0 */
export function costOf(args: readonly string[]): Promise<{ seconds: number; memoryMb: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(packageRoot, 'setup.mjs'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  let memoryMb = 0;
  const timer = setInterval(() => {
    memoryMb = Math.max(memoryMb, memoryOf(child.pid as number));
  }, SAMPLE_MS);
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ seconds: (performance.now() - began) / 1000, memoryMb });
      else reject(new Error(`${args.join(' ')} ended with ${code}: ${errors}`));
    });
  });
}
