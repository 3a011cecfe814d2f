import type { ContainerRuntimeClient } from 'testcontainers';
import { LabError, messageOf } from '../../base/errors.ts';
import { lifeOf, parseOwner } from '../../base/owner.ts';

/** On everything of ours, with the run's name. */
export const RUN_LABEL = 'idlelab.run';
/** Which process made it, as base/owner tells it, so that what it could not take away can be told from what it still uses. */
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

/** Whether what carries this label was made by a process that is gone; where that cannot be seen from here it is not. */
export const isGone = (label: string | undefined): boolean => lifeOf(parseOwner(label ?? '')).state === 'gone';
