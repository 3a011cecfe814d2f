// Who made something on disk or on a container engine, so that others can tell whether it is still in use. A process number
// alone means nothing to another machine, to a container, after a reboot, or once the number is used again.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Owner {
  host: string;
  /** /etc/machine-id; empty where there is none, as in most containers. */
  machine: string;
  /** /proc/sys/kernel/random/boot_id: one for each boot of a kernel, shared by its containers. */
  boot: string;
  /** The process namespace in which `pid` means something, as in "pid:[4026531836]". */
  pidNamespace: string;
  pid: number;
  /** When the process started, in the kernel's ticks: field 22 of /proc/<pid>/stat. */
  start: string;
}

/** `unknown`: it cannot be seen from here; `because` completes "… cannot be seen from here: ". */
export type Life = { state: 'alive' } | { state: 'gone' } | { state: 'unknown'; because: string };

/** Empty where there is no such file, or it may not be read. */
function textOf(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

/** State and start time of a process; undefined where /proc does not show it. */
function statOf(pid: number | 'self'): { state: string; start: string } | undefined {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields[0], fields[19]];
  return state === undefined || start === undefined ? undefined : { state, start };
}

/** This process. */
export const owner = (): Owner => ({
  host: hostname(),
  machine: textOf(() => readFileSync('/etc/machine-id', 'utf8')),
  boot: textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
  pidNamespace: textOf(() => readlinkSync('/proc/self/ns/pid')),
  pid: process.pid,
  start: statOf('self')?.start ?? '',
});

/** One line of JSON, as `parseOwner` reads it. */
export const ownerText = (): string => JSON.stringify(owner());

/** @returns undefined where the text is no owner's record */
export function parseOwner(text: string): Owner | undefined {
  let found: Partial<Record<keyof Owner, unknown>> | null;
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null) return undefined;
  const { host, machine, boot, pidNamespace, pid, start } = found;
  const texts = [host, machine, boot, pidNamespace, start];
  if (!texts.every((each) => typeof each === 'string') || !Number.isInteger(pid) || (pid as number) < 1)
    return undefined;
  return { host, machine, boot, pidNamespace, pid, start } as Owner;
}

/** What the kernel says of a number of this process namespace. EPERM: there is such a process, of another user. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Whether /proc is the one of our own process namespace. */
const procIsOurs = (): boolean => textOf(() => readlinkSync('/proc/self')) === String(process.pid);

/**
 * Whether an owner still runs. Whoever asks must leave alone what belongs to an owner that is alive or of whom it is unknown.
 * @param record what `parseOwner` returned
 */
export function lifeOf(record: Owner | undefined): Life {
  if (record === undefined) return { state: 'unknown', because: 'it left no record that can be read' };
  const me = owner();
  if (record.host !== me.host) return { state: 'unknown', because: `it is of another host, ${record.host}` };
  if (record.boot === '' || me.boot === '') return { state: 'unknown', because: 'this kernel does not tell its boot' };
  if (record.boot !== me.boot)
    return record.machine !== '' && record.machine === me.machine
      ? { state: 'gone' }
      : { state: 'unknown', because: 'it is of another boot, perhaps of another machine of the same name' };
  if (record.pidNamespace === '' || record.pidNamespace !== me.pidNamespace)
    return { state: 'unknown', because: 'it is of another process namespace, as in another container' };
  if (!isThere(record.pid)) return { state: 'gone' };
  const stat = procIsOurs() ? statOf(record.pid) : undefined;
  if (stat === undefined)
    return isThere(record.pid) ? { state: 'unknown', because: '/proc does not show it' } : { state: 'gone' };
  // Z, X: it has ended, and only its parent has not asked yet.
  return stat.start === record.start && !/[ZX]/.test(stat.state) ? { state: 'alive' } : { state: 'gone' };
}

/** As in "process 17 on build-3". */
export const nameOf = (record: Owner | undefined): string =>
  record === undefined ? 'an unknown process' : `process ${record.pid} on ${record.host}`;
