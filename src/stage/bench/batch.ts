// How one load of trials is measured, inside the lab.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LabConditions } from '../../evidence/lab-conditions.ts';
import { kernelHz } from '../../linux/libc.ts';
import type { Batch } from '../../plan/batch.ts';
import { boxKindsOfTrials } from '../../plan/job.ts';
import type { Outcome, Trial } from '../../plan/trial.ts';
import { BOXES } from '../catalogue.ts';
import type { Place, ProgramVersion } from '../ground.ts';
import type { ManyPlayer } from '../many.ts';
import { asLabError, ownMemoryMb, SCRATCH } from '../play.ts';
import type { ActRecord, Message } from '../record.ts';
import { groupsOf } from './groups.ts';
import { Looks } from './looks.ts';
import { measureTrials } from './measure.ts';
import { versionIn } from './version.ts';
import { actNamed, actOf, BALANCER, CLIENT, hostsWith, serversFor } from './witness-act.ts';

interface Measuring extends Place {
  onOutcome(outcome: Outcome, group: number): void;
}

async function playerOf(trials: readonly Trial[]): Promise<ManyPlayer | undefined> {
  const [kind] = boxKindsOfTrials(trials) as [string];
  return (await BOXES.load(kind)).default.many;
}

/** Measures a batch on network namespaces of the kernel it runs on; every group has a lab of its own, all at once. */
export async function measureBatch(
  { trials: all, patienceSeconds, countSeconds }: Batch,
  { openGround, clockJumps, onOutcome }: Measuring,
): Promise<void> {
  const groups = await groupsOf(all);
  await Promise.all(
    [...groups.values()].map(async (trials, index) => {
      const player = await playerOf(trials);
      if (player === undefined) return;
      const servers = serversFor(trials);
      using ground = openGround();
      await using lab = await ground.up(
        actNamed('sweep', hostsWith(servers, trials[0]?.box)),
        join(SCRATCH, `sweep-${index}`),
      );
      await measureTrials(lab, trials, {
        ...{ client: CLIENT, balancer: BALANCER, servers, player, patienceSeconds, countSeconds },
        ...{ realTime: !clockJumps, onOutcome: (outcome: Outcome) => onOutcome(outcome, index) },
      });
    }),
  );
}

/**
 * Measures every trial of a batch in a lab of its own, all at once, and keeps what is seen of it as evidence of an act.
 * @param folder of the evidence
 */
async function witnessBatch(
  { trials, patienceSeconds, countSeconds }: Batch,
  { openGround, clockJumps, onOutcome }: Measuring,
  folder: string,
): Promise<ActRecord[]> {
  // Refuses what cannot be played.
  await groupsOf(trials);
  const acts = await Promise.all(
    trials.map(async (trial, index): Promise<ActRecord[]> => {
      const player = await playerOf([trial]);
      if (player === undefined) return [];
      const act = actOf(trial, index);
      using ground = openGround();
      await using lab = await ground.up(act, join(SCRATCH, act.name));
      const looks = await Looks.begin(lab, trial, act.name, folder, clockJumps);
      const servers = serversFor([trial]);
      let record: ActRecord;
      try {
        await measureTrials(lab, [trial], {
          ...{ client: CLIENT, balancer: BALANCER, servers, player, patienceSeconds, countSeconds },
          ...{ realTime: !clockJumps, watching: looks, onOutcome: (outcome: Outcome) => onOutcome(outcome, index) },
        });
      } finally {
        record = await looks.end();
      }
      return [record];
    }),
  );
  return acts.flat();
}

/** The version that a program tells of itself; undefined where it is not installed, which its player will say better. */
async function versionOf({ name, versionArgs }: ProgramVersion): Promise<string | undefined> {
  try {
    // HAProxy tells it on standard output, nginx on standard error.
    const { stdout, stderr } = await promisify(execFile)(name, [...versionArgs]);
    return versionIn(stdout || stderr);
  } catch {
    return undefined;
  }
}

/** Programs whose versions decide outcomes. @param kinds of middleboxes, by how they are played */
async function programsFor(kinds: readonly string[]): Promise<ProgramVersion[]> {
  const players = await Promise.all([...kinds].sort().map(async (kind) => (await BOXES.load(kind)).default.many));
  return players.flatMap((player) => (player?.program ? [player.program] : []));
}

/** What decides the outcomes here. */
async function conditionsHere(programs: readonly ProgramVersion[]): Promise<LabConditions> {
  const versions: Record<string, string> = { node: process.version };
  for (const program of programs) {
    const version = await versionOf(program);
    if (version !== undefined) versions[program.name] = version;
  }
  return { kernel: release(), hz: kernelHz(), architecture: process.arch, programs: versions };
}

/**
 * Measures a batch, and tells every outcome as soon as it is certain; the first message says under which
 * conditions, the last is `done` or `error`. Never throws.
 * @param output folder to which the evidence is copied, where it is kept
 */
export async function playBatch(
  { batch, ...place }: { batch: Batch } & Place,
  output: string,
  tell: (message: Message) => void,
): Promise<void> {
  const versions: Record<string, string> = {};
  const evidence = place.writesOut ? output : join(SCRATCH, 'evidence');
  const measuring: Measuring = {
    ...place,
    onOutcome: (outcome, group) => tell({ type: 'outcome', outcome, group }),
  };
  try {
    const conditions = await (place.conditions ?? conditionsHere)(await programsFor(boxKindsOfTrials(batch.trials)));
    Object.assign(versions, { kernel: conditions.kernel, ...conditions.programs });
    tell({ type: 'conditions', conditions });
    if (batch.capture) {
      mkdirSync(evidence, { recursive: true });
      for (const act of await witnessBatch(batch, measuring, evidence)) tell({ type: 'played', act });
      if (!place.writesOut) cpSync(evidence, output, { recursive: true });
    } else await measureBatch(batch, measuring);
    tell({ type: 'done', versions, memoryMb: ownMemoryMb() });
  } catch (error) {
    tell({ type: 'error', error: asLabError(error).toJSON(), versions });
  }
}
