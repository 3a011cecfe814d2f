import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRuntimeClient } from 'testcontainers';
import { isGone, OWNER_LABEL, RUN_LABEL } from './client.ts';

/** A container that is being removed holds on to its network for a moment. */
const TRIES = 10;
const PAUSE_MS = 200;

/** One round. @returns how many containers and networks there were */
async function sweepOnce(client: ContainerRuntimeClient, run: string | undefined): Promise<number> {
  const { dockerode } = client.container;
  const filters = { label: [run === undefined ? RUN_LABEL : `${RUN_LABEL}=${run}`] };
  const ours = (labels: Record<string, string> | undefined) => run !== undefined || isGone(labels?.[OWNER_LABEL]);
  const containers = (await dockerode.listContainers({ all: true, filters })).filter(({ Labels }) => ours(Labels));
  // Refusals are for the next round: somebody else may be at it, or a container not yet gone.
  await Promise.allSettled(containers.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })));
  const networks = (await dockerode.listNetworks({ filters })).filter(({ Labels }) => ours(Labels));
  await Promise.allSettled(networks.map(({ Id }) => dockerode.getNetwork(Id).remove()));
  return containers.length + networks.length;
}

/**
 * Takes away containers and networks of ours: those of one run, or those whose process is gone.
 * @returns whether none is left
 */
export async function sweep(client: ContainerRuntimeClient, run?: string): Promise<boolean> {
  for (let round = 0; round < TRIES; round++) {
    if (round > 0) await sleep(PAUSE_MS);
    if ((await sweepOnce(client, run)) === 0) return true;
  }
  return false;
}
