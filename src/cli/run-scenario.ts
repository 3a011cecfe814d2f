import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { LabError } from '../base/errors.ts';
import { unwritable } from '../base/folder.ts';
import { refuseLinks, writePlain } from '../base/plain.ts';
import { RunFolder } from '../base/runs.ts';
import type { Engine } from '../engines/engine.ts';
import { CAPTURE_FILE, RUN_FILE } from '../evidence/files.ts';
import { type Evidence, readEvidence } from '../evidence/read.ts';
import { judgeRun } from '../judge/judge.ts';
import { packetNotes } from '../judge/ladder.ts';
import type { Result } from '../judge/result.ts';
import { afterWaiting } from '../judge/speed.ts';
import type { Plan } from '../plan/plan.ts';
import { REPORTERS } from '../report/catalogue.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Message, RunRecord } from '../stage/record.ts';

export interface RunOptions {
  engine: Engine;
  runsFolder: string;
  onMessage(message: Message): void;
  signal: AbortSignal;
  /** When the person began to wait, seconds on `clock`; by default when this is called. */
  waitsSince?: number;
  /** Seconds that never run backwards; by default those of this process. */
  clock?: () => number;
}

const processSeconds = (): number => performance.now() / 1000;

/** Evidence that was cut off together with its run is the lesser of the two problems. */
function whatThereIs(folder: string, problem: LabError | undefined): Evidence {
  try {
    return readEvidence(folder, { justRecorded: true });
  } catch (error) {
    throw problem ?? error;
  }
}

/** Every document that a report format offers for a run's folder, by its name there. */
async function documentsOf(result: Result): Promise<{ file: string; text: string }[]> {
  const documents: { file: string; text: string }[] = [];
  for (const name of REPORTERS.names()) {
    const reporter: Reporter = (await REPORTERS.load(name)).default;
    if (reporter.file)
      documents.push({
        file: reporter.file,
        text: reporter.render(result, { columns: 120, color: false, folder: '.' }),
      });
  }
  return documents;
}

/**
 * Stages a plan, gathers its evidence into a folder of its own, judges it and writes the reports.
 * @returns the result and the run's folder
 * @throws LabError when there is no result: RUNS_UNWRITABLE, NO_NAMESPACES, MISSING_TOOL … Nothing is left behind then.
 */
export async function runScenario(plan: Plan, options: RunOptions): Promise<{ result: Result; folder: string }> {
  const { engine, runsFolder, onMessage, signal, clock = processSeconds } = options;
  const startedAt = new Date();
  const began = options.waitsSince ?? clock();
  const run = RunFolder.open(runsFolder, plan.scenario, startedAt);
  for (const text of run.leftovers) onMessage({ type: 'preparing', text });
  try {
    await using staged = await engine.run(plan, run.partial, { onMessage, signal });
    // Programs of the lab may have written there: what they leave is data, not a way out of the folder.
    refuseLinks(run.partial);
    const { acts, versions, memoryMb, problem, waitedSeconds } = staged;
    const wallSeconds = () => Math.round((clock() - began - waitedSeconds) * 1000) / 1000;
    const record: RunRecord = {
      schemaVersion: 2,
      engine: engine.name,
      startedAt: startedAt.toISOString(),
      wallSeconds: 0,
      memoryMb,
      versions,
      plan,
      acts,
    };
    const save = () => writePlain(join(run.partial, RUN_FILE), `${JSON.stringify(record, null, 2)}\n`);
    record.wallSeconds = wallSeconds();
    save();
    const evidence = whatThereIs(run.partial, problem);
    record.counts = evidence.counts;
    const judged = await judgeRun(evidence, Math.round(process.resourceUsage().maxRSS / 1024), problem);
    const notes = packetNotes(judged.acts.flatMap((act) => act.findings));
    evidence.capture.write(join(run.partial, CAPTURE_FILE), notes);
    for (const file of readdirSync(run.partial)) if (file.endsWith('.pcap')) rmSync(join(run.partial, file));
    // The reports say how long the person waited, their own making included: so that is tried before.
    const before = wallSeconds();
    await documentsOf(judged);
    const rehearsed = wallSeconds();
    record.wallSeconds = Math.round((rehearsed + (rehearsed - before)) * 1000) / 1000;
    save();
    const result = afterWaiting(judged, record.wallSeconds);
    for (const { file, text } of await documentsOf(result)) writePlain(join(run.partial, file), text);
    // Judging and writing do not yield: an interruption that came meanwhile is heard now. The first turn of the event loop
    // may already be past its poll phase, where signals arrive; the second is not.
    await setImmediate();
    await setImmediate();
    signal.throwIfAborted();
    return { result, folder: run.commit() };
  } catch (error) {
    run.discard();
    if (error instanceof LabError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS' || code === 'EDQUOT')
      throw unwritable(runsFolder, error);
    throw error;
  }
}
