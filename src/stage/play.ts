import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { now } from '../base/clock.ts';
import { LabError } from '../base/errors.ts';
import { unwritable } from '../base/folder.ts';
import { type ActPlan, actionsOf, ownerOf, type Plan } from '../plan/plan.ts';
import { VERBS } from './catalogue.ts';
import { playAct } from './director.ts';
import type { Place } from './ground.ts';
import type { Message } from './record.ts';

/** In a tmpfs of the lab's own. */
export const SCRATCH = '/run/idlelab';

type Tell = (message: Message) => void;

interface Playing extends Place {
  plan: Plan;
}

/** The hosts whose packets will be lost, doubled or delayed. */
export async function impairableIn({ timeline, hosts }: Pick<ActPlan, 'timeline' | 'hosts'>): Promise<string[]> {
  const actions = timeline.flatMap(actionsOf);
  const impairing = new Set<string>();
  for (const verb of new Set(actions.map(({ action }) => action)))
    if ((await VERBS.load(verb)).default.impairs) impairing.add(verb);
  const suffering = new Set(actions.filter(({ action }) => impairing.has(action)).map(({ host }) => host));
  return hosts.filter((host) => suffering.has(host.name) || suffering.has(ownerOf(host))).map(({ name }) => name);
}

/** @returns peak memory of the labs' own processes, MB, where those are not this one */
async function playActs(
  { plan, openGround, clockJumps }: Playing,
  { evidence, output }: { evidence: string; output: string },
  tell: Tell,
  versions: Record<string, string>,
): Promise<number> {
  let memoryMb = 0;
  mkdirSync(evidence, { recursive: true });
  using ground = openGround();
  for (const act of plan.acts) {
    tell({ type: 'act', act: act.name, title: act.title });
    const began = now();
    const lab = await ground.up(act, join(SCRATCH, act.name), { impairable: await impairableIn(act) });
    const upSeconds = now() - began;
    Object.assign(versions, lab.versions);
    let played: Awaited<ReturnType<typeof playAct>>;
    let ended = began;
    try {
      played = await playAct({ lab, clockJumps }, act, evidence, tell, versions);
      ended = now();
    } finally {
      memoryMb = Math.max(memoryMb, lab.memoryMb ?? 0);
      await lab[Symbol.asyncDispose]();
    }
    tell({ type: 'played', act: { ...played, upSeconds, downSeconds: now() - ended } });
    if (evidence !== output) handOver(evidence, output);
  }
  return memoryMb;
}

/** Peak memory of this process, MB. */
export const ownMemoryMb = (): number => Math.round(process.resourceUsage().maxRSS / 1024);

/** Captures of an act that is over leave the lab's memory: there may be hundreds of megabytes of them. */
function handOver(evidence: string, output: string): void {
  try {
    mkdirSync(output, { recursive: true });
    for (const name of readdirSync(evidence)) {
      if (!name.endsWith('.pcap')) continue;
      copyFileSync(join(evidence, name), join(output, name));
      rmSync(join(evidence, name));
    }
  } catch (error) {
    throw unwritable(output, error);
  }
}

function saveEvidence(evidence: string, output: string): void {
  try {
    mkdirSync(output, { recursive: true });
    cpSync(evidence, output, { recursive: true });
    rmSync(evidence, { recursive: true });
  } catch (error) {
    throw unwritable(output, error);
  }
}

export const asLabError = (failure: unknown): LabError =>
  failure instanceof LabError
    ? failure
    : new LabError(
        'ENGINE_DIED',
        `the lab failed: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}`,
        'this is a defect of idlelab: please report it with the text above',
        failure,
      );

/**
 * Plays all acts of a plan on the ground that an engine offers, and copies the evidence to `output`. Tells
 * what happens; its last message is `done` or `error`. Never throws.
 */
export async function playPlan(playing: Playing, output: string, tell: Tell): Promise<void> {
  const evidence = playing.writesOut ? output : join(SCRATCH, 'evidence');
  const versions: Record<string, string> = { kernel: release(), node: process.version };
  let failure: unknown;
  let memoryMb = 0;
  try {
    memoryMb = await playActs(playing, { evidence, output }, tell, versions);
  } catch (error) {
    failure = error;
  }
  try {
    if (!playing.writesOut) saveEvidence(evidence, output);
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) tell({ type: 'done', versions, memoryMb: memoryMb || ownMemoryMb() });
  else tell({ type: 'error', error: asLabError(failure).toJSON(), versions });
}
