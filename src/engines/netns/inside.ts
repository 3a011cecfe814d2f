// The lab's process: the first of its own user, network, mount and process namespaces. When it ends, in whatever way,
// the kernel takes everything in them along. Its standard input brings the plan, in one line, and is its lifeline: when
// it closes the lab ends, and the output folder goes too unless the run has been moved to its place by then. It tells
// what it does in lines of JSON.
//
// usage: inside <folder to copy the evidence to>
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { now } from '../../clock.ts';
import { LabError, messageOf } from '../../errors.ts';
import type { ActRecord, Message } from '../../lab/record.ts';
import { playAct } from '../../lab/stage.ts';
import type { Plan } from '../../scenario/plan.ts';
import { NetnsLab } from './network.ts';

const SCRATCH = '/run/idlelab';

const [output] = process.argv.slice(2) as [string];
const input = createInterface({ input: process.stdin });

function leave(): never {
  rmSync(output, { recursive: true, force: true });
  process.exit(1);
}
// Whoever started us has finished or is gone, by whatever signal: so are we, and with us the lab.
input.on('close', leave);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);

const tell = (message: Message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const plan = JSON.parse((await once(input, 'line'))[0] as string) as Plan;
const evidence = join(SCRATCH, 'evidence');
const acts: ActRecord[] = [];

const versions: Record<string, string> = { kernel: release(), node: process.version };

async function play(): Promise<void> {
  mkdirSync(evidence, { recursive: true });
  for (const act of plan.acts) {
    tell({ type: 'act', act: act.name, title: act.title });
    const began = now();
    const lab = await NetnsLab.up(act, join(SCRATCH, act.name));
    const upSeconds = now() - began;
    let played: Awaited<ReturnType<typeof playAct>>;
    let ended = began;
    try {
      played = await playAct(lab, act, evidence, tell, versions);
      ended = now();
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    const record = { ...played, upSeconds, downSeconds: now() - ended };
    acts.push(record);
    tell({ type: 'played', act: record });
  }
}

function saveEvidence(): void {
  try {
    mkdirSync(output, { recursive: true });
    cpSync(evidence, output, { recursive: true });
  } catch (error) {
    throw new LabError(
      'RUNS_UNWRITABLE',
      `cannot write the evidence: ${messageOf(error)}`,
      'make room, or choose another folder with --runs <folder>',
      error,
    );
  }
}

let failure: unknown;
try {
  await play();
} catch (error) {
  failure = error;
}
try {
  saveEvidence();
} catch (error) {
  failure = error;
}
if (failure === undefined)
  tell({ type: 'done', versions, memoryMb: Math.round(process.resourceUsage().maxRSS / 1024) });
else {
  const error =
    failure instanceof LabError
      ? failure
      : new LabError(
          'ENGINE_DIED',
          `the lab failed: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}`,
          'this is a defect of idlelab: please report it with the text above',
          failure,
        );
  tell({ type: 'error', error: error.toJSON(), versions });
}
