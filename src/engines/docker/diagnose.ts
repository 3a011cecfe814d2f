import { randomBytes } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';
import { ownerText } from '../../base/owner.ts';
import type { ActPlan } from '../../plan/plan.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { containerEngine, HOW_TO_DOCKER, OWNER_LABEL, RUN_LABEL } from './client.ts';
import { baseImage, hasImage, labImageName } from './image.ts';
import { DockerLab } from './lab.ts';

/** Brings a whole lab up, has each of its hosts look around once, and takes it down again. */
async function labComesUp(
  client: Awaited<ReturnType<typeof containerEngine>>,
  image: string,
  act: () => Promise<ActPlan>,
): Promise<Diagnosis> {
  const what = 'a lab of containers';
  const run = randomBytes(4).toString('hex');
  const began = performance.now();
  try {
    const labels = { [RUN_LABEL]: run, [OWNER_LABEL]: ownerText() };
    await using lab = await DockerLab.up(await act(), { client, image, name: `idlelab-${run}`, labels });
    for (const host of lab.hosts.values()) await host.sockets();
    await lab.host('balancer').flows();
    await lab.host('balancer').run('nft', ['add', 'table', 'inet', 'probe'], { privileged: true });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    return { what, ok: true, found: `${lab.hosts.size} hosts up in ${seconds} s; sockets, flows and rules can be had` };
  } catch (error) {
    return { what, ok: false, found: messageOf(error), todo: (error as { todo?: string }).todo ?? HOW_TO_DOCKER };
  }
}

/**
 * Asks for a container engine, and tries what the lab asks of it.
 * @param act whose hosts are brought up for that, with a middlebox `balancer`
 */
export async function diagnoseDocker(act: () => Promise<ActPlan>): Promise<Diagnosis[]> {
  let client: Awaited<ReturnType<typeof containerEngine>>;
  try {
    client = await containerEngine();
  } catch (error) {
    return [{ what: 'container engine', ok: false, found: messageOf(error), todo: HOW_TO_DOCKER }];
  }
  const { serverVersion, operatingSystem } = client.info.containerRuntime;
  const answers: Diagnosis = { what: 'container engine', ok: true, found: `${serverVersion} on ${operatingSystem}` };
  const name = labImageName();
  if (await hasImage(client, name))
    return [answers, { what: 'image of the lab’s hosts', ok: true, found: name }, await labComesUp(client, name, act)];
  const base = baseImage();
  const found = (await hasImage(client, base))
    ? `its base ${base} is here`
    : `it and its base ${base} are not here yet`;
  return [answers, { what: 'image of the lab’s hosts', ok: true, found: `${found}; the first run builds it` }];
}
