import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../base/errors.ts';
import { DEFAULT_HZ, HZ, type Hz } from '../../base/hz.ts';
import { appendPlain, refuseLinks } from '../../base/plain.ts';
import type { Slots } from '../../base/slots.ts';
import type { Batch } from '../../plan/batch.ts';
import { isBatch } from '../../plan/job.ts';
import { type ActPlan, type Plan, waitSeconds } from '../../plan/plan.ts';
import type { Engine, RunOptions, Staged } from '../engine.ts';
import { type LabCode, labCode } from './bundle.ts';
import { findKernel, HOW_TO_BUILD } from './kernel.ts';
import { runKernel } from './run-kernel.ts';

/** Between the clocks of two acts: far more than what an act takes besides its waits. */
const ACT_SPACING_SECONDS = 600;

/** @param given path of a ready kernel, instead of a built one @throws LabError MISSING_KERNEL, BAD_OPTION */
export function kernelFor(hz: Hz, given?: string): string {
  const kernel = findKernel(hz, given);
  if (kernel === undefined)
    throw new LabError(
      'MISSING_KERNEL',
      `the time-travelling kernel (HZ ${hz}) is not built`,
      hz === DEFAULT_HZ ? HOW_TO_BUILD : `npm run kernel -- --hz ${hz} builds it, in about three minutes`,
    );
  return kernel;
}

interface Group {
  hz: Hz;
  acts: readonly ActPlan[];
}

/** Which acts share a kernel: none, so that they are played side by side; but all of the same HZ where only one may run at once. */
function inKernels(acts: readonly ActPlan[], hz: Hz, slots: number): Group[] {
  const each = acts.map((act): Group => ({ hz: act.hz ?? hz, acts: [act] }));
  if (slots > 1) return each;
  return HZ.map((wanted) => ({ hz: wanted, acts: acts.filter((act) => (act.hz ?? hz) === wanted) })).filter(
    (group) => group.acts.length > 0,
  );
}

/** Puts what one act left beside what the others did. Rows are appended: each says to which act it belongs. */
function gather(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) gather(source, target);
    else if (existsSync(target)) appendPlain(target, readFileSync(source));
    else renameSync(source, target);
  }
  rmSync(from, { recursive: true, force: true });
}

/** What the acts' kernels played, as one. The first problem counts. */
function together(all: readonly Staged[]): Omit<Staged, 'waitedSeconds' | typeof Symbol.asyncDispose> {
  return {
    acts: all.flatMap(({ acts }) => acts).sort((a, b) => a.from - b.from),
    versions: Object.assign({}, ...all.map(({ versions }) => versions)) as Record<string, string>,
    memoryMb: Math.max(...all.map(({ memoryMb }) => memoryMb)),
    problem: all.find(({ problem }) => problem !== undefined)?.problem,
  };
}

interface Staging extends RunOptions {
  hz: Hz;
  slots: Slots;
  /** Path of a ready kernel, instead of a built one. */
  kernel: string | undefined;
}

/** Plays acts side by side, and puts together what they leave. */
async function stage(plan: Plan, folder: string, { onMessage, signal, hz, slots, kernel }: Staging): Promise<Staged> {
  const groups = inKernels(plan.acts, hz, slots.count);
  const kernels = groups.map((group) => kernelFor(group.hz, kernel));
  const code: LabCode = await labCode();
  mkdirSync(folder, { recursive: true });
  const stop = new AbortController();
  const whole = AbortSignal.any([signal, stop.signal]);
  let startsAt = Date.now();
  const starts = groups.map(({ acts }) => {
    const at = startsAt;
    for (const act of acts) startsAt += (waitSeconds(act) + ACT_SPACING_SECONDS) * 1000;
    return at;
  });
  const came = performance.now();
  let firstTurn: number | undefined;
  const said = new Set<string>();
  /** What each kernel says before it plays is said once. */
  const tell: typeof onMessage = (message) => {
    if (message.type === 'preparing' && said.size === said.add(message.text).size) return;
    onMessage(message);
  };
  const play = async ({ acts }: Group, index: number): Promise<Staged> => {
    const done = await slots.take();
    firstTurn ??= performance.now();
    try {
      whole.throwIfAborted();
      return await runKernel({
        kernel: kernels[index] as string,
        job: { ...plan, acts: [...acts] },
        code,
        folder: join(folder, `.act-${index}`),
        runFolder: folder,
        startsAt: starts[index] as number,
        onMessage: tell,
        signal: whole,
      });
    } finally {
      done();
    }
  };
  const results = await Promise.allSettled(
    groups.map((group, index) =>
      play(group, index).catch((error: unknown) => {
        stop.abort();
        throw error;
      }),
    ),
  );
  const staged = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const dispose = async () => {
    await Promise.all(staged.map((each) => each[Symbol.asyncDispose]()));
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed || signal.aborted) {
    await dispose();
    throw failed ? failed.reason : signal.reason;
  }
  refuseLinks(folder);
  for (const index of groups.keys()) gather(join(folder, `.act-${index}`), folder);
  const waitedSeconds = ((firstTurn ?? came) - came) / 1000;
  return { ...together(staged), waitedSeconds, [Symbol.asyncDispose]: dispose };
}

/** Measures trials, all on one kernel. */
async function measure(
  job: Batch,
  folder: string,
  { kernel, slots, ...options }: RunOptions & { kernel: string; slots: Slots },
): Promise<Staged> {
  const came = performance.now();
  const done = await slots.take();
  const waitedSeconds = (performance.now() - came) / 1000;
  try {
    options.signal.throwIfAborted();
    const code = await labCode();
    const staged = await runKernel({ kernel, job, code, folder, runFolder: folder, startsAt: Date.now(), ...options });
    return { ...staged, waitedSeconds, [Symbol.asyncDispose]: () => staged[Symbol.asyncDispose]() };
  } finally {
    done();
  }
}

/**
 * The lab in virtual time. Acts have kernels of their own and are played side by side, as many as there are slots; each
 * kernel's clock starts after the end of the act before, so that times still tell the order of the story.
 * @param kernel path of a ready kernel, instead of a built one
 */
export const virtual = (hz: Hz, slots: Slots, kernel?: string): Engine => ({
  name: 'virtual',
  sideBySide: true,
  realTime: false,
  async run(job, folder, options) {
    return isBatch(job)
      ? measure(job, folder, { ...options, kernel: kernelFor(hz, kernel), slots })
      : stage(job, folder, { ...options, hz, slots, kernel });
  },
});
