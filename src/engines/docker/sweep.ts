import type { ContainerRuntimeClient } from 'testcontainers';
import { isGone, OWNER_LABEL, RUN_LABEL } from './client.ts';

const ended = (error: unknown): void => {
  // Somebody else took it away meanwhile.
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 404 && statusCode !== 409) throw error;
};

/** Takes away containers and networks of ours: those of one run, or those whose process is gone. */
export async function sweep(client: ContainerRuntimeClient, run?: string): Promise<void> {
  const { dockerode } = client.container;
  const filters = { label: [run === undefined ? RUN_LABEL : `${RUN_LABEL}=${run}`] };
  const ours = (labels: Record<string, string> | undefined) => run !== undefined || isGone(labels?.[OWNER_LABEL]);
  const containers = (await dockerode.listContainers({ all: true, filters })).filter(({ Labels }) => ours(Labels));
  await Promise.all(
    containers.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true }).catch(ended)),
  );
  const networks = (await dockerode.listNetworks({ filters })).filter(({ Labels }) => ours(Labels));
  await Promise.all(networks.map(({ Id }) => dockerode.getNetwork(Id).remove().catch(ended)));
}
