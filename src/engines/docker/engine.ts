import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { LabError } from '../../base/errors.ts';
import { ownerText } from '../../base/owner.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import type { Plan } from '../../plan/plan.ts';
import { playAct } from '../../stage/director.ts';
import type { ActRecord, Message } from '../../stage/record.ts';
import type { Engine, Staged } from '../engine.ts';
import { refuseChosenKernel, refusesMissingModules } from '../real-time.ts';
import { containerEngine, OWNER_LABEL, RUN_LABEL } from './client.ts';
import { labImage } from './image.ts';
import { DockerLab } from './lab.ts';
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

interface Played {
  acts: ActRecord[];
  versions: Record<string, string>;
  memoryMb: number;
}

interface Playing {
  plan: Plan;
  folder: string;
  run: string;
  client: ContainerRuntimeClient;
  onMessage(message: Message): void;
  signal: AbortSignal;
}

async function playActs({ plan, folder, run, client, onMessage, signal }: Playing, played: Played): Promise<void> {
  const image = await labImage(client, (text) => onMessage({ type: 'preparing', text }), signal);
  const labels = { [RUN_LABEL]: run, [OWNER_LABEL]: ownerText(), ...(await reaperLabel(client)) };
  mkdirSync(folder, { recursive: true });
  for (const act of plan.acts) {
    signal.throwIfAborted();
    onMessage({ type: 'act', act: act.name, title: act.title });
    const began = performance.now();
    const lab = await DockerLab.up(act, { client, image, name: `idlelab-${run}-${act.name}`, labels });
    Object.assign(played.versions, lab.versions);
    const upSeconds = (performance.now() - began) / 1000;
    const stop = () => void lab[Symbol.asyncDispose]();
    signal.addEventListener('abort', stop, { once: true });
    let ended = performance.now();
    let record: Awaited<ReturnType<typeof playAct>>;
    try {
      // It may have been raised while the lab came up.
      signal.throwIfAborted();
      record = await playAct({ lab, clockJumps: false, signal }, act, folder, onMessage, played.versions);
      ended = performance.now();
    } finally {
      signal.removeEventListener('abort', stop);
      played.memoryMb = Math.max(played.memoryMb, lab.watch.memoryMb);
      await lab[Symbol.asyncDispose]();
    }
    const whole = { ...record, upSeconds, downSeconds: (performance.now() - ended) / 1000 };
    played.acts.push(whole);
    onMessage({ type: 'played', act: whole });
  }
}

/** The lab on containers: one for each host, in real time. */
export const docker: Engine = {
  name: 'docker',
  sideBySide: false,
  async refuses(act) {
    if (act.ip === 'v6')
      return {
        ip: true,
        what: 'the networks of containers have no IPv6',
        todo: 'play it with --engine netns or --engine virtual',
      };
    return (await sharesThisKernel()) ? refusesMissingModules(act) : undefined;
  },
  async stage(plan, folder, { onMessage, signal }): Promise<Staged> {
    refuseChosenKernel(plan);
    const run = randomBytes(4).toString('hex');
    const client = await containerEngine();
    const { serverVersion } = client.info.containerRuntime;
    await sweep(client);
    const guard = startGuard(run, folder);
    const played: Played = { acts: [], versions: { docker: String(serverVersion) }, memoryMb: 0 };
    // What cannot be taken away now is the guard's matter when we end.
    const leave = async () => {
      if (await sweep(client, run).catch(() => false)) guard.dismiss();
    };
    let problem: LabError | undefined;
    try {
      await playActs({ plan, folder, run, client, onMessage, signal }, played);
    } catch (error) {
      if (signal.aborted || !(error instanceof LabError) || !error.leavesEvidence) {
        await leave();
        throw error;
      }
      problem = error;
    }
    return {
      ...played,
      waitedSeconds: 0,
      problem,
      [Symbol.asyncDispose]: leave,
    };
  },
};
