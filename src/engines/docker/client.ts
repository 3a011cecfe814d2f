import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ContainerRuntimeClient } from 'testcontainers';
import { LabError, messageOf } from '../../errors.ts';

/** On everything of ours, with the run's name. */
export const RUN_LABEL = 'idlelab.run';
/** Which process made it, so that what it could not take away can be told from what it still uses. */
export const OWNER_LABEL = 'idlelab.owner';

export const HOW_TO_DOCKER =
  'start a container engine (on Linux as root: systemctl start docker), or say where it is (DOCKER_HOST); your user must be allowed to use it';

/** The container engine, by testcontainers' rules of where to look for it. @throws LabError NO_DOCKER */
export async function containerEngine(): Promise<ContainerRuntimeClient> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    return await getContainerRuntimeClient();
  } catch (error) {
    throw new LabError('NO_DOCKER', `no container engine answers: ${messageOf(error)}`, HOW_TO_DOCKER, error);
  }
}

/** When a process of this machine started, in the kernel's ticks: its number may be used again. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;
}

/** This process, on this machine: "host pid start". */
export const owner = (): string => `${hostname()} ${process.pid} ${startOf(process.pid)}`;

/** Whether the process that made something is known to be gone; one of another machine is never known to be. */
export function isGone(ownerText: string | undefined): boolean {
  const [host, pid, start] = (ownerText ?? '').split(' ');
  if (host !== hostname() || pid === undefined) return false;
  try {
    return startOf(Number(pid)) !== start;
  } catch {
    return true;
  }
}
