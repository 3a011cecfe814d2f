import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { LabError } from '../../base/errors.ts';
import { ownerText } from '../../base/owner.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import type { Job } from '../../plan/job.ts';
import type { ActPlan } from '../../plan/plan.ts';
import { versionIn } from '../../stage/bench/version.ts';
import { actNamed, BALANCER, hostsWith, serversFor } from '../../stage/bench/witness-act.ts';
import type { Place } from '../../stage/ground.ts';
import type { ActRecord, Message } from '../../stage/record.ts';
import type { Engine, RunOptions, Staged } from '../engine.ts';
import { playJob } from '../play-job.ts';
import { refuseChosenKernel, refusesMissingModules } from '../real-time.ts';
import { containerEngine, OWNER_LABEL, RUN_LABEL } from './client.ts';
import { labImage } from './image.ts';
import { DockerLab, type LabOptions } from './lab.ts';
import { sweep } from './sweep.ts';

/** Testcontainers' own cleaner, where it can be had: it takes away what has its label when we are gone. */
async function reaperLabel(client: ContainerRuntimeClient): Promise<Record<string, string>> {
  const { getReaper, LABEL_TESTCONTAINERS_SESSION_ID } = await import('testcontainers');
  if (process.env.TESTCONTAINERS_RYUK_DISABLED === 'true') return {};
  try {
    return { [LABEL_TESTCONTAINERS_SESSION_ID]: (await getReaper(client)).sessionId };
  } catch {
    // It cannot be pulled or started: our guard and our next start do without.
    return {};
  }
}

/** Whether containers run on this machine's kernel, and not in a virtual machine or elsewhere. Without an engine: no. */
async function sharesThisKernel(): Promise<boolean> {
  try {
    const { KernelVersion } = (await (await containerEngine()).container.dockerode.info()) as {
      KernelVersion?: string;
    };
    return KernelVersion === release();
  } catch {
    return false;
  }
}

interface Guard {
  /** There is nothing left to take away. */
  dismiss(): void;
}

function startGuard(run: string, folder: string): Guard {
  const child = spawn(
    process.execPath,
    [...process.execArgv, join(codeRoot, `src/engines/docker/guard${moduleExtension}`), run, folder],
    // A process group of its own: a Ctrl-C is not for it.
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return {
    dismiss: () => {
      child.stdin.end('done\n');
    },
  };
}

interface Labs extends Place, AsyncDisposable {}

/** Where labs of one run come up, each under a name of its own. */
function labsOf(options: Omit<LabOptions, 'name'>, run: string, signal: AbortSignal): Labs {
  const up = new Set<DockerLab>();
  let count = 0;
  const bringUp = async (act: ActPlan) => {
    signal.throwIfAborted();
    const lab = await DockerLab.up(act, { ...options, name: `idlelab-${run}-${++count}-${act.name}` });
    up.add(lab);
    // It may have been raised while the lab came up.
    if (signal.aborted) await lab[Symbol.asyncDispose]();
    signal.throwIfAborted();
    return lab;
  };
  const downAll = async () => {
    await Promise.all([...up].map((lab) => lab[Symbol.asyncDispose]()));
  };
  const stop = () => void downAll();
  signal.addEventListener('abort', stop, { once: true });
  return {
    openGround: () => ({ up: bringUp, [Symbol.dispose]: () => {} }),
    clockJumps: false,
    writesOut: true,
    async conditions(programs) {
      // The image's programs, not this machine's.
      await using lab = await bringUp(actNamed('conditions', hostsWith(serversFor([]), undefined)));
      const versions: Record<string, string> = { node: lab.versions.node ?? '' };
      for (const { name, versionArgs } of programs)
        versions[name] = versionIn(await lab.host(BALANCER).run('sh', ['-c', '"$0" "$@" 2>&1', name, ...versionArgs]));
      return { kernel: lab.versions.kernel ?? '', hz: lab.hz, architecture: process.arch, programs: versions };
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop);
      await downAll();
    },
  };
}

/** Plays a job in this process, on labs of containers. */
async function playHere(
  job: Job,
  folder: string,
  place: Labs,
  onMessage: RunOptions['onMessage'],
): Promise<Pick<Staged, 'acts' | 'versions' | 'memoryMb' | 'problem'>> {
  const acts: ActRecord[] = [];
  const ends: Extract<Message, { type: 'done' | 'error' }>[] = [];
  await playJob(job, place, folder, (message) => {
    onMessage(message);
    if (message.type === 'played') acts.push(message.act);
    if (message.type === 'done' || message.type === 'error') ends.push(message);
  });
  const [end] = ends;
  if (end?.type === 'done') return { acts, versions: end.versions, memoryMb: end.memoryMb, problem: undefined };
  if (end === undefined)
    throw new LabError('ENGINE_DIED', 'the lab told no end', 'this is a bug in idlelab: please report it');
  const problem = LabError.fromJSON(end.error);
  if (!problem.leavesEvidence) throw problem;
  return { acts, versions: end.versions, memoryMb: 0, problem };
}

/** The lab on containers: one for each host, in real time. */
export const docker: Engine = {
  name: 'docker',
  sideBySide: false,
  realTime: true,
  async refuses(act) {
    if (act.ip === 'v6')
      return {
        ip: true,
        what: 'the networks of containers have no IPv6',
        todo: 'play it with --engine netns or --engine virtual',
      };
    return (await sharesThisKernel()) ? refusesMissingModules(act) : undefined;
  },
  async run(job, folder, { onMessage, signal }): Promise<Staged> {
    refuseChosenKernel(job);
    const run = randomBytes(4).toString('hex');
    const client = await containerEngine();
    const { serverVersion } = client.info.containerRuntime;
    await sweep(client);
    const guard = startGuard(run, folder);
    // What cannot be taken away now is the guard's matter when we end.
    const leave = async () => {
      if (await sweep(client, run).catch(() => false)) guard.dismiss();
    };
    try {
      const image = await labImage(client, (text) => onMessage({ type: 'preparing', text }), signal);
      const labels = { [RUN_LABEL]: run, [OWNER_LABEL]: ownerText(), ...(await reaperLabel(client)) };
      mkdirSync(folder, { recursive: true });
      await using labs = labsOf({ client, image, labels }, run, signal);
      const played = await playHere(job, folder, labs, onMessage);
      signal.throwIfAborted();
      const versions = { ...played.versions, docker: String(serverVersion) };
      return { ...played, versions, waitedSeconds: 0, [Symbol.asyncDispose]: leave };
    } catch (error) {
      await leave();
      signal.throwIfAborted();
      throw error;
    }
  },
};
