// Where a sweep is measured: on time-travelling kernels side by side, or on namespaces or containers in real time.
import { availableParallelism } from 'node:os';
import { LabError } from '../base/errors.ts';
import { DEFAULT_HZ, type Hz } from '../base/hz.ts';
import { Slots } from '../base/slots.ts';
import { docker } from '../engines/docker/engine.ts';
import type { Engine, EngineName, Staged } from '../engines/engine.ts';
import { netns } from '../engines/netns/engine.ts';
import { kernelFor, virtual } from '../engines/virtual/engine.ts';
import { findKernel } from '../engines/virtual/kernel.ts';
import { kernelHz } from '../linux/libc.ts';
import type { Batch } from '../plan/batch.ts';
import type { Outcome } from '../plan/trial.ts';
import type { ActRecord, Message } from '../stage/record.ts';
import { type Conditions, thisMachine } from './conditions.ts';

export interface MeasureRun {
  /** Scratch folder, which is taken away. */
  folder: string;
  /** Under which conditions it is measured; told before the first outcome. */
  onConditions(conditions: Conditions): void;
  /** @param group which of the batch's labs told it */
  onOutcome(outcome: Outcome, group: number): void;
  /** Epoch seconds on the lab's clock, now and then. */
  onClock(time: number): void;
  signal: AbortSignal;
  /** While the scratch folder is still there, with what was seen of each trial where that is kept. */
  onPlayed?(acts: readonly ActRecord[]): void;
}

export interface Place {
  name: EngineName;
  /** Timer interrupts a second of its kernel. */
  hz: number;
  /** How many batches are measured at once. */
  slots: number;
  realTime: boolean;
  /** @throws LabError when it cannot be measured to its end; what was told until then stays true */
  measure(batch: Batch, run: MeasureRun): Promise<{ memoryMb: number; acts: ActRecord[] }>;
}

async function toItsEnd(staged: Promise<Staged>, { onPlayed }: MeasureRun) {
  await using played = await staged;
  if (played.problem !== undefined) throw played.problem;
  onPlayed?.(played.acts);
  return { memoryMb: played.memoryMb, acts: played.acts };
}

const hear =
  (engine: Conditions['engine'], { onConditions, onOutcome, onClock }: MeasureRun) =>
  (message: Message): void => {
    if (message.type === 'conditions') onConditions({ engine, ...message.conditions, machine: thisMachine() });
    else if (message.type === 'outcome') onOutcome(message.outcome, message.group);
    else if (message.type === 'clock') onClock(message.time);
  };

const placeOn = (engine: Engine, { hz, slots }: { hz: number; slots: number }): Place => ({
  name: engine.name,
  hz,
  slots,
  realTime: engine.realTime,
  measure: (batch, run) =>
    toItsEnd(engine.run(batch, run.folder, { onMessage: hear(engine.name, run), signal: run.signal }), run),
});

/**
 * Where to measure. `auto`: in virtual time where its kernel is built.
 * @param options `jobs`: how many labs may run at once on virtual; `kernel`: path of a ready kernel for it
 * @throws LabError BAD_OPTION, MISSING_KERNEL
 */
export function choosePlace(
  name: EngineName | 'auto',
  { hz, jobs = availableParallelism(), kernel }: { hz?: Hz; jobs?: number; kernel?: string | undefined },
): Place {
  if (name === 'virtual' || (name === 'auto' && findKernel(hz ?? DEFAULT_HZ, kernel) !== undefined)) {
    const wanted = hz ?? DEFAULT_HZ;
    return placeOn(virtual(wanted, new Slots(jobs), kernelFor(wanted, kernel)), { hz: wanted, slots: jobs });
  }
  if (hz !== undefined && hz !== kernelHz())
    throw new LabError(
      'MISSING_KERNEL',
      `this machine’s kernel has HZ ${kernelHz()}`,
      `npm run kernel -- --hz ${hz} builds a time-travelling one of HZ ${hz}, in about three minutes`,
    );
  // All at once: what takes time is waiting. Containers run on a kernel whose HZ is taken for this machine's.
  return placeOn(name === 'docker' ? docker : netns, { hz: kernelHz(), slots: 1 });
}
