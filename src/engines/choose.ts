import { availableParallelism } from 'node:os';
import { DEFAULT_HZ, type Hz } from '../scenario/hz.ts';
import { docker } from './docker/engine.ts';
import type { Engine } from './engine.ts';
import { netns } from './netns/engine.ts';
import { Slots } from './slots.ts';
import { virtual } from './virtual/engine.ts';
import { findKernel } from './virtual/kernel.ts';

export const ENGINE_NAMES = ['netns', 'virtual', 'docker'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface EngineChoice {
  engine: Engine;
  /** Why it was taken, for people; undefined where they had asked for it. */
  reason: string | undefined;
}

/**
 * The engine for a name; for `auto` the first of virtual and netns that can run here.
 * @param jobs how many labs may run at once; by default as many as there are CPUs
 */
export function chooseEngine(
  name: EngineName | 'auto',
  { hz = DEFAULT_HZ as Hz, jobs = availableParallelism() } = {},
): EngineChoice {
  if (name === 'docker') return { engine: docker, reason: undefined };
  if (name === 'netns') return { engine: netns, reason: undefined };
  const time = virtual(hz, new Slots(jobs));
  if (name === 'virtual') return { engine: time, reason: undefined };
  return findKernel(hz) === undefined
    ? {
        engine: netns,
        reason:
          'netns, in real time and so at the compressed pace (npm run kernel, once, three minutes: the real 8 hours in seconds)',
      }
    : {
        engine: time,
        reason: 'virtual, a kernel of its own whose clock jumps over idle time (real time: --engine netns)',
      };
}
