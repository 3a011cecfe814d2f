// The lab's process: the first of its own user, network, mount and process namespaces. When it ends, in whatever way,
// the kernel takes everything in them along. It is given a plan and tells what it does in lines of JSON.
//
// usage: inside <plan.json> <folder to copy the evidence to>
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { now } from '../../clock.ts';
import { LabError, messageOf } from '../../errors.ts';
import type { ActRecord, Message } from '../../lab/record.ts';
import { playAct } from '../../lab/stage.ts';
import type { Plan } from '../../scenario/plan.ts';
import { NetnsLab } from './network.ts';

const SCRATCH = '/run/idlelab';

// Whoever started us is gone, by whatever signal: so are we, and with us the lab.
process.stdin
  .on('end', () => process.exit(1))
  .on('error', () => process.exit(1))
  .resume();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

const tell = (message: Message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const [planFile, output] = process.argv.slice(2) as [string, string];
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
const evidence = join(SCRATCH, 'evidence');
const acts: ActRecord[] = [];

async function play(): Promise<Record<string, string>> {
  const versions: Record<string, string> = { kernel: release(), node: process.version };
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
  return versions;
}

function saveEvidence(): void {
  try {
    mkdirSync(output, { recursive: true });
    writeFileSync(join(output, 'plan.json'), JSON.stringify(plan, null, 2));
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
let versions: Record<string, string> = {};
try {
  versions = await play();
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
  tell({ type: 'error', error: error.toJSON(), acts });
}
process.stdout.end(() => process.exit(failure === undefined ? 0 : 1));
