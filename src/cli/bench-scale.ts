// Many connections, and long nights: how long they take, how much memory all processes have together, and how much they leave.
import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { messageOf } from '../base/errors.ts';
import { packageRoot } from '../base/root.ts';
import { findKernel } from '../engines/virtual/kernel.ts';
import { judgeFolder } from '../judge/judge.ts';
import { KNOWN } from '../judge/known.ts';
import { packetNotes } from '../judge/ladder.ts';
import { findScenario } from '../plan/catalogue.ts';
import { planScenario } from '../plan/make-plan.ts';
import { waitSeconds } from '../plan/plan.ts';
import type { Figure } from './figure.ts';
import { costOf } from './processes.ts';

interface Scenario {
  params: Record<string, unknown>;
  hosts: Record<string, Record<string, unknown>>;
  timeline: Record<string, unknown>[];
  acts: Record<string, unknown>;
}

/** Writes a scenario of ours down with something changed. @returns its file */
function changed(name: string, scratch: string, change: (scenario: Scenario) => void): string {
  const scenario = parse(readFileSync(join(packageRoot, 'lab/scenarios', `${name}.yaml`), 'utf8')) as Scenario;
  change(scenario);
  const file = join(scratch, `${name}-scale.yaml`);
  writeFileSync(file, stringify(scenario));
  return file;
}

const run = (file: string, engine: string, scratch: string) =>
  costOf(['src/cli/scenario.ts', file, '--engine', engine, '--runs', scratch, '--reporter', 'minimal']);

/** A figure that could not be measured fails its limit, and the others are measured all the same. */
async function figuresOf(what: string, measure: () => Promise<Figure[]>): Promise<Figure[]> {
  try {
    return await measure();
  } catch (error) {
    console.error(messageOf(error));
    return [{ what, value: Number.POSITIVE_INFINITY, limit: 0, unit: 's', note: 'no verdict' }];
  }
}

/** What takes seconds to open must not be forgotten meanwhile. */
const LONG_ENOUGH = { idleTimeout: '30s', night: '40s', keepIdle: '8s' };

async function tenThousand(scratch: string): Promise<Figure[]> {
  const file = changed('reset', scratch, ({ params, hosts, timeline }) => {
    Object.assign(hosts.pool as object, { connections: 10_000 });
    Object.assign(params, LONG_ENOUGH);
    Object.assign(timeline.at(-1) as object, { observe: '10s' });
  });
  const plan = await planScenario(findScenario(file), 'compressed', KNOWN);
  const waits = plan.acts.reduce((sum, act) => sum + waitSeconds(act), 0);
  const { seconds, memoryMb } = await run(file, 'netns', scratch);
  return [
    { what: `10,000 connections, without their ${waits} s of waits`, value: seconds - waits, limit: 90, unit: 's' },
    { what: 'memory of all its processes together', value: memoryMb, limit: 1200, unit: 'MB' },
  ];
}

async function thousandNights(scratch: string): Promise<Figure[]> {
  const file = changed('rebalance', scratch, ({ hosts, acts }) => {
    Object.assign(hosts.pool as object, { connections: 1000 });
    delete acts.broken;
  });
  const { seconds, memoryMb } = await run(file, 'virtual', scratch);
  return [
    { what: '1,000 connections through 8 h with keepalive', value: seconds, limit: 20, unit: 's' },
    { what: 'memory of all its processes together', value: memoryMb, limit: 700, unit: 'MB' },
  ];
}

async function proxyNights(scratch: string): Promise<Figure[]> {
  await run('proxy-close', 'virtual', scratch);
  const folder = realpathSync(join(scratch, 'latest'));
  const bytes = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const began = performance.now();
  const { result, evidence } = await judgeFolder(folder);
  const notes = packetNotes(result.acts.flatMap(({ findings }) => findings));
  evidence.capture.write(join(scratch, 'capture-again.pcapng'), notes);
  return [
    { what: 'proxy-close, three nights of 8 h: evidence on the disk', value: bytes / 1e6, limit: 20, unit: 'MB' },
    { what: 'judging it and writing its capture', value: (performance.now() - began) / 1000, limit: 2, unit: 's' },
  ];
}

export async function scaleFigures(scratch: string): Promise<Figure[]> {
  const figures = await figuresOf('10,000 connections', () => tenThousand(scratch));
  if (findKernel() === undefined) {
    console.error('long nights are left out: their kernel is not built (npm run kernel)');
    return figures;
  }
  figures.push(...(await figuresOf('1,000 connections through 8 h', () => thousandNights(scratch))));
  figures.push(...(await figuresOf('three nights of proxy-close', () => proxyNights(scratch))));
  return figures;
}
