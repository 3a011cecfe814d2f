import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Slots } from '../../src/engines/slots.ts';
import { type Agreement, compare } from '../../src/sweep/expect.ts';
import { loadsOf } from '../../src/sweep/loads.ts';
import type { Place } from '../../src/sweep/place.ts';
import type { Outcome, Trial } from '../../src/sweep/trial.ts';

export interface Compared {
  trial: Trial;
  outcome: Outcome;
  agreement: Agreement | undefined;
}

/** Measures trials and holds each against the model. */
export async function measureAndCompare(
  place: Place,
  trials: readonly Trial[],
  { patienceSeconds, countSeconds }: { patienceSeconds: number; countSeconds: number },
): Promise<Compared[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-sweep-'));
  const byKey = new Map(trials.map((trial) => [trial.key, trial]));
  const outcomes: Outcome[] = [];
  const slots = new Slots(place.slots);
  try {
    const loads = await loadsOf(trials, place.slots);
    await Promise.all(
      loads.map(async (load, index) => {
        const done = await slots.take();
        try {
          await place.measure(
            { kind: 'sweep', trials: load, patienceSeconds, countSeconds },
            {
              folder: join(scratch, String(index)),
              onOutcome: (outcome) => outcomes.push(outcome),
              onClock: () => {},
              signal: new AbortController().signal,
            },
          );
        } finally {
          done();
        }
      }),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return outcomes.map((outcome) => {
    const trial = byKey.get(outcome.key) as Trial;
    return { trial, outcome, agreement: compare(trial, outcome, place.hz, patienceSeconds) };
  });
}

/** What does not agree, in words. */
export const disagreements = (all: readonly Compared[]): string[] =>
  all.flatMap(({ trial, outcome, agreement }) => {
    if (agreement === undefined) return [`${trial.key}: ${outcome.problem}`];
    return agreement.agrees ? [] : [`${trial.key}: predicted ${agreement.predicted}, measured ${agreement.measured}`];
  });
