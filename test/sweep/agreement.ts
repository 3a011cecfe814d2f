import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Slots } from '../../src/base/slots.ts';
import type { Outcome, Trial } from '../../src/plan/trial.ts';
import { type Agreement, compare, problemOf } from '../../src/sweep/expect.ts';
import { loadsOf } from '../../src/sweep/loads.ts';
import type { Place } from '../../src/sweep/place.ts';

export interface Compared {
  trial: Trial;
  outcome: Outcome;
  agreement: Agreement | undefined;
}

const MOST_PASSES = 3;

/** Measures trials and holds each against the model. */
export async function measureAndCompare(
  place: Place,
  trials: readonly Trial[],
  { patienceSeconds, countSeconds }: { patienceSeconds: number; countSeconds: number },
): Promise<Compared[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-sweep-'));
  const byKey = new Map(trials.map((trial) => [trial.key, trial]));
  const outcomes = new Map<string, Outcome>();
  const slots = new Slots(place.slots);
  try {
    // A machine that was too busy once may be less so the next time.
    for (let pass = 1; pass <= MOST_PASSES; pass++) {
      const missing = trials.filter(
        ({ key }) => !outcomes.has(key) || outcomes.get(key)?.problem?.includes('too busy'),
      );
      const loads = await loadsOf(missing, place.slots);
      await Promise.all(
        loads.map(async (load, index) => {
          const done = await slots.take();
          try {
            await place.measure(
              { kind: 'sweep', trials: load, patienceSeconds, countSeconds },
              {
                folder: join(scratch, `${pass}-${index}`),
                onConditions: () => {},
                onOutcome: (outcome) => outcomes.set(outcome.key, outcome),
                onClock: () => {},
                signal: new AbortController().signal,
              },
            );
          } finally {
            done();
          }
        }),
      );
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return [...outcomes.values()].map((outcome) => {
    const trial = byKey.get(outcome.key) as Trial;
    return { trial, outcome, agreement: compare(trial, outcome, place.hz, patienceSeconds) };
  });
}

/** What does not agree, in words. */
export const disagreements = (all: readonly Compared[]): string[] =>
  all.flatMap(({ trial, outcome, agreement }) => {
    const problem = problemOf(trial, outcome);
    if (problem !== undefined) return [`${trial.key}: ${problem}`];
    return agreement === undefined || agreement.agrees
      ? []
      : [`${trial.key}: predicted ${agreement.predicted}, measured ${agreement.measured}`];
  });
