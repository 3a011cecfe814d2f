// One load of trials for one lab: what crosses from the person's process into the lab's, and how it is measured there.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ManyPlayer } from '../../services/balancer/many.ts';
import { NetnsLab } from '../engines/netns/network.ts';
import type { Lab } from '../lab/lab.ts';
import { asLabError, SCRATCH } from '../lab/play.ts';
import type { Message } from '../lab/record.ts';
import { Watcher } from '../lab/watch/watcher.ts';
import { kernelHz } from '../linux/libc.ts';
import { BALANCERS } from '../scenario/catalogue.ts';
import type { ActPlan } from '../scenario/plan.ts';
import type { LabConditions } from './conditions.ts';
import { groupsOf, kindsOf } from './loads.ts';
import { measureTrials } from './measure.ts';
import type { Outcome, Trial } from './trial.ts';

export interface Batch {
  kind: 'sweep';
  trials: Trial[];
  /** How long answers are waited for, and for how long the cost of an idle connection is counted; seconds. */
  patienceSeconds: number;
  countSeconds: number;
  /** Whether packets are captured: for few trials. */
  capture?: boolean;
}

const [CLIENT, BALANCER, SERVERS] = ['client', 'balancer', ['server', 'stranger']] as const;

/** The hosts of a group: a client, a middlebox, a server, and one that never sees a connection but by mistake. */
const actWith = (servers: readonly string[]) =>
  ({
    name: 'sweep',
    hosts: [
      { role: 'client', name: CLIENT },
      { role: 'middlebox', name: BALANCER },
      ...servers.map((name) => ({ role: 'broker', name })),
    ],
  }) as unknown as ActPlan;

/** Frames that a host may send and receive before they must have been read. */
const SLOTS = 8192;

/** Captures on every host of a lab, into a folder; until it is disposed of. */
async function capture(lab: Lab, folder: string, clockJumps: boolean): Promise<AsyncDisposable> {
  mkdirSync(folder, { recursive: true });
  await lab.watch.start({
    act: 'sweep',
    folder,
    socketsFile: 'sockets.ndjson',
    flowsFile: 'flows.ndjson',
    hosts: [...lab.hosts.keys()].map((name) => ({ name, capture: join(folder, `${name}.pcap`) })),
    middlebox: BALANCER,
    slots: SLOTS,
    clockJumps,
  });
  return {
    async [Symbol.asyncDispose]() {
      await lab.watch.stop();
    },
  };
}

/**
 * Measures a batch on network namespaces of the kernel it runs on; every group has a lab of its own, all at once.
 * @param options `clockJumps`: whether waiting costs nothing here, and waking up does; `captures`: where captures go, a folder
 *   inside it for each group
 */
export async function measureBatch(
  batch: Batch,
  onOutcome: (outcome: Outcome, group: number) => void,
  { clockJumps, captures }: { clockJumps: boolean; captures?: string | undefined },
): Promise<void> {
  const groups = await groupsOf(batch.trials);
  await Promise.all(
    [...groups.values()].map(async (trials, index) => {
      const [kind] = kindsOf(trials) as [string];
      const many = (await BALANCERS.load(kind)).default.many;
      if (many === undefined) return;
      const rebalances = trials.some(({ box }) => box.middlebox.latePacket === 'rebalance');
      const servers = rebalances ? SERVERS : SERVERS.slice(0, 1);
      using watcher = new Watcher();
      await using lab = await NetnsLab.up(actWith(servers), join(SCRATCH, `sweep-${index}`), watcher);
      await using _ =
        captures === undefined ? undefined : await capture(lab, join(captures, String(index)), clockJumps);
      const { patienceSeconds, countSeconds } = batch;
      await measureTrials(lab, trials, {
        ...{ client: CLIENT, balancer: BALANCER, servers },
        ...{
          player: many,
          patienceSeconds,
          countSeconds,
          realTime: !clockJumps,
          onOutcome: (outcome: Outcome) => onOutcome(outcome, index),
        },
      });
    }),
  );
}

const VERSION = /\d+\.\d+[\w.+~-]*/;

/** The version that a program tells of itself; undefined where it is not installed, which its player will say better. */
async function versionOf({ name, versionArgs }: NonNullable<ManyPlayer['program']>): Promise<string | undefined> {
  try {
    // HAProxy tells it on standard output, nginx on standard error.
    const { stdout, stderr } = await promisify(execFile)(name, [...versionArgs]);
    return VERSION.exec(stdout || stderr)?.[0] ?? 'unknown';
  } catch {
    return undefined;
  }
}

/** What decides the outcomes here. @param kinds of middleboxes, by how they are played */
export async function labConditions(kinds: readonly string[]): Promise<LabConditions> {
  const players = await Promise.all([...kinds].sort().map(async (kind) => (await BALANCERS.load(kind)).default.many));
  const programs: Record<string, string> = { node: process.version };
  for (const player of players) {
    const version = player?.program && (await versionOf(player.program));
    if (player?.program && version !== undefined) programs[player.program.name] = version;
  }
  return { kernel: release(), hz: kernelHz(), architecture: process.arch, programs };
}

/**
 * Measures a batch, and tells every outcome as soon as it is certain; the first message says under which
 * conditions, the last is `done` or `error`. Never throws.
 * @param output folder to which captures are copied, one inside it for each group
 */
export async function playBatch(
  { batch, clockJumps }: { batch: Batch; clockJumps: boolean },
  output: string,
  tell: (message: Message) => void,
): Promise<void> {
  const conditions = await labConditions(kindsOf(batch.trials));
  const versions: Record<string, string> = { kernel: conditions.kernel, ...conditions.programs };
  tell({ type: 'conditions', conditions });
  const captures = batch.capture ? join(SCRATCH, 'captures') : undefined;
  try {
    await measureBatch(batch, (outcome, group) => tell({ type: 'outcome', outcome, group }), { clockJumps, captures });
    if (captures !== undefined) cpSync(captures, output, { recursive: true });
    tell({ type: 'done', versions, memoryMb: Math.round(process.resourceUsage().maxRSS / 1024) });
  } catch (error) {
    tell({ type: 'error', error: asLabError(error).toJSON(), versions });
  }
}
