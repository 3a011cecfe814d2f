import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/root.ts';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  /** Everything on standard error so far. */
  stderr(): string;
  ended: Promise<Ended>;
}

export const CLI = join(packageRoot, 'src/cli/scenario.ts');

const { FORCE_COLOR: _, ...inherited } = process.env;

/** Starts `npm run scenario -- …` without npm: as a process of its own, the way a person's shell would. */
export function start(
  args: readonly string[],
  wrap: readonly string[] = [],
  env: Record<string, string> = {},
  cli: string = CLI,
): Started {
  const command = [...wrap, process.execPath, cli, ...args];
  const child = spawn(command[0] as string, command.slice(1), {
    cwd: packageRoot,
    // In real time, unless a test is about another engine.
    env: { ...inherited, NO_COLOR: '1', IDLELAB_ENGINE: 'netns', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, stderr: () => stderr, ended };
}

export const run = (args: readonly string[], wrap: readonly string[] = [], env: Record<string, string> = {}) =>
  start(args, wrap, env).ended;

/** Parent of every process of this machine. */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      found.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Gone between the two looks.
    }
  }
  return found;
}

/** All processes that descend from one, itself left out. */
export function descendants(pid: number): number[] {
  const all = parents();
  const below = (of: number): number[] =>
    [...all].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    // A zombie process has ended; only its parent has not yet asked.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

export async function until(done: () => boolean, withinMs = 15_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!done()) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
