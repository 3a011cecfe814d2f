import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { PACES, type Pace } from '../../src/base/pace.ts';
import { mutated } from './mutate.ts';

/** The measure of "more than a second" that does not depend on what else the machine does. */
const MOST_CPU_SECONDS = 1;
const COMPLAINT = /mine\.yaml:[1-9]\d*:[1-9]\d*: at [^\n]+: expected [^\n]+, found [^\n]+$/;

/**
 * Plans many mutations of shipped files: each must end in a plan, or in a complaint with its place, without a warning and in
 * less than a second.
 */
export async function plannedOrRefused(
  catalogue: { names(): string[]; path(name: string): string },
  count: number,
  plan: (path: string, pace: Pace) => unknown,
): Promise<void> {
  // In memory: what is tested is no disk.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'idlelab-test-mutations-'));
  const file = join(folder, 'mine.yaml');
  const texts = catalogue.names().map((name) => readFileSync(catalogue.path(name), 'utf8'));
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  let planned = 0;
  try {
    for (let seed = 1; seed <= count; seed++) {
      const bytes = mutated(texts[seed % texts.length] as string, seed);
      writeFileSync(file, bytes);
      const before = process.cpuUsage();
      let failure: unknown;
      try {
        await plan(file, PACES[seed % PACES.length] as Pace);
        planned++;
      } catch (error) {
        failure = error;
      }
      const { user, system } = process.cpuUsage(before);
      const problems = [
        ...((user + system) / 1e6 < MOST_CPU_SECONDS ? [] : [`it took ${(user + system) / 1e6} s`]),
        ...warn.mock.calls.map(([warning]) => `a warning: ${warning}`),
        ...(failure === undefined ||
        (failure instanceof LabError && failure.code === 'BAD_FILE' && COMPLAINT.test(failure.message))
          ? []
          : [`${failure instanceof LabError ? failure.message : (failure as Error).stack}`]),
      ];
      if (problems.length > 0)
        throw new Error(`seed ${seed}: ${problems.join('; ')}\n${bytes.toString().slice(0, 4000)}`);
    }
  } finally {
    warn.mockRestore();
    rmSync(folder, { recursive: true, force: true });
  }
  // Both ends are met, or the mutations are of one kind only.
  expect(planned).toBeGreaterThan(count / 50);
  expect(planned).toBeLessThan(count);
}
