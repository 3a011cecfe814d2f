import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { DEFAULT_HZ, type Hz } from '../../base/hz.ts';
import { Slots } from '../../base/slots.ts';
import { containerEngine } from '../docker/client.ts';
import { docker } from '../docker/engine.ts';
import { ENGINE_NAMES, type Engine, type EngineName } from '../engine.ts';
import { netns, UNSHARE } from '../netns/engine.ts';
import { virtual } from '../virtual/engine.ts';
import { findKernel } from '../virtual/kernel.ts';

export { ENGINE_NAMES, type EngineName };

export interface EngineChoice {
  engine: Engine;
  /** Why it was taken, for people; undefined where they had asked for it. */
  reason: string | undefined;
}

/** Whether the machine lets us have namespaces of our own: a few milliseconds. */
const namespacesAllowed = (): boolean => spawnSync('unshare', [...UNSHARE, 'true'], { stdio: 'ignore' }).status === 0;

async function containersAnswer(): Promise<boolean> {
  try {
    await containerEngine();
    return true;
  } catch {
    return false;
  }
}

/**
 * The engine for a name; for `auto` the first of virtual, netns and docker that can run here.
 * @param options `jobs`: how many labs may run at once, by default as many as there are CPUs; `kernel`: path of a ready kernel
 */
export async function chooseEngine(
  name: EngineName | 'auto',
  {
    hz = DEFAULT_HZ,
    jobs = availableParallelism(),
    kernel,
  }: { hz?: Hz; jobs?: number; kernel?: string | undefined } = {},
): Promise<EngineChoice> {
  if (name === 'netns') return { engine: netns, reason: undefined };
  if (name === 'docker') return { engine: docker, reason: undefined };
  const time = virtual(hz, new Slots(jobs), kernel);
  if (name === 'virtual') return { engine: time, reason: undefined };
  if (findKernel(hz, kernel) !== undefined)
    return {
      engine: time,
      reason: 'virtual, a kernel of its own whose clock jumps over idle time (real time: --engine netns)',
    };
  if (!namespacesAllowed() && (await containersAnswer()))
    return {
      engine: docker,
      reason: 'docker, for this machine allows no namespaces of one’s own (npm run doctor); at the compressed pace',
    };
  return {
    engine: netns,
    reason:
      'netns, in real time and so at the compressed pace (npm run kernel, once, three minutes: the real 8 hours in seconds)',
  };
}
