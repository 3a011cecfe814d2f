import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { ownerText } from '../../src/base/owner.ts';
import { containerEngine, OWNER_LABEL, RUN_LABEL } from '../../src/engines/docker/client.ts';
import { labImage } from '../../src/engines/docker/image.ts';
import { DockerLab } from '../../src/engines/docker/lab.ts';
import type { ActPlan } from '../../src/plan/plan.ts';

export const containersThere: boolean = inject('noContainers') === '';

export const dockerode = async () => (await containerEngine()).container.dockerode;

/** What is on the container engine with our label: names of containers and networks, by the process that made them. */
export async function ours(madeBy: (owner: string) => boolean): Promise<string[]> {
  const engine = await dockerode();
  const filters = { label: [RUN_LABEL] };
  const containers = await engine.listContainers({ all: true, filters });
  const networks = await engine.listNetworks({ filters });
  return [
    ...containers.filter(({ Labels }) => madeBy(Labels[OWNER_LABEL] ?? '')).map(({ Names }) => Names[0] ?? ''),
    ...networks.filter(({ Labels }) => madeBy(Labels?.[OWNER_LABEL] ?? '')).map(({ Name }) => Name),
  ];
}

export async function dockerLab(act: ActPlan): Promise<DockerLab> {
  const client = await containerEngine();
  const run = randomBytes(4).toString('hex');
  return DockerLab.up(act, {
    client,
    image: await labImage(client),
    name: `idlelab-${run}`,
    labels: { [RUN_LABEL]: run, [OWNER_LABEL]: ownerText() },
  });
}
