// `npm run bench`: measures what the project promises about speed and size, each figure beside its limit.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../base/errors.ts';
import { packageRoot } from '../base/root.ts';
import { netns } from '../engines/netns/engine.ts';
import { forgetLabCode } from '../engines/virtual/bundle.ts';
import { findKernel } from '../engines/virtual/kernel.ts';
import { KNOWN } from '../judge/known.ts';
import { predict } from '../model/predict.ts';
import { findScenario } from '../plan/catalogue.ts';
import { planScenario } from '../plan/make-plan.ts';
import { waitSeconds } from '../plan/plan.ts';
import type { ActRecord } from '../stage/record.ts';
import { containerFigures } from './bench-containers.ts';
import { scaleFigures } from './bench-scale.ts';
import { sweepFigures } from './bench-sweeps.ts';
import { runCommand } from './command.ts';
import { type Figure, median } from './figure.ts';
import { runScenario } from './run-scenario.ts';

let scratch = '';

/** Seconds that a command of a person's shell takes: set-up check included, npm left out. */
function wall(...args: string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [join(packageRoot, 'setup.mjs'), ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return (performance.now() - began) / 1000;
}

const repeat = (times: number, measure: () => number) => median(Array.from({ length: times }, measure));

/** Four boxes between a client and a server. */
const CHAIN = `# What comes up and goes down.
title: Chain
hosts:
  web: { client: ioredis, connections: 1 }
  one: { middlebox: firewall }
  two: { middlebox: firewall }
  three: { middlebox: firewall }
  nlb: { middlebox: aws-nlb }
  mq: { server: redis }
paths:
  - [web, one, two, three, nlb, mq]
timeline:
  - web: connect
acts:
  only:
    expect:
      - flows-forgotten
`;

function chainFile(): string {
  const file = join(scratch, 'chain.yaml');
  writeFileSync(file, CHAIN);
  return file;
}

/** Median of seconds that a scenario's network and hosts take to come up and to go down. */
async function labUpAndDown(file: string): Promise<number> {
  const plan = await planScenario(file, 'compressed', KNOWN);
  const [first] = plan.acts;
  if (!first) throw new Error(`${file} has no acts`);
  // Nothing to wait for.
  plan.acts = Array.from({ length: 9 }, (_, index) => ({
    ...first,
    name: `act${index}`,
    timeline: first.timeline.slice(0, 1),
    expect: [],
  }));
  const acts: ActRecord[] = [];
  await runScenario(plan, {
    engine: netns,
    runsFolder: scratch,
    onMessage: (message) => message.type === 'played' && acts.push(message.act),
    signal: new AbortController().signal,
  });
  return median(acts.map(({ upSeconds, downSeconds }) => upSeconds + downSeconds));
}

/** Both acts of rebalance, eight hours each, in virtual time; undefined where its kernel is not built. */
function virtualNight(...more: string[]): { seconds: number; speedUp: number } | undefined {
  if (findKernel() === undefined) return undefined;
  const seconds = wall('src/cli/scenario.ts', 'rebalance', '--engine', 'virtual', '--runs', scratch, ...more);
  const { labSeconds } = JSON.parse(readFileSync(join(scratch, 'latest/result.json'), 'utf8')) as {
    labSeconds: number;
  };
  return { seconds, speedUp: Math.round(labSeconds / seconds) };
}

function virtualFigures(): Figure[] {
  // As in a fresh clone: the lab's code has not been bundled yet.
  forgetLabCode();
  const cold = virtualNight();
  const nights = Array.from({ length: 3 }, () => virtualNight());
  const single = virtualNight('--jobs', '1');
  const [warm] = nights.sort((a, b) => (a?.seconds ?? 0) - (b?.seconds ?? 0)).slice(1);
  if (!cold || !warm || !single) {
    console.error('virtual time is left out: its kernel is not built (npm run kernel)');
    return [];
  }
  const what = 'rebalance in virtual time, 2 × 8 h, 10 connections';
  const times = ({ speedUp }: { speedUp: number }) => `${speedUp.toLocaleString('en')} times as fast as the clock`;
  return [
    { what: `${what}, cold`, value: cold.seconds, limit: 6, unit: 's', note: times(cold) },
    { what: `${what}, again`, value: warm.seconds, limit: 6, unit: 's', note: times(warm) },
    { what: `${what}, one kernel at a time`, value: single.seconds, limit: 6, unit: 's', note: times(single) },
  ];
}

/** Seconds for a landscape of 1,000 idle times, 10 intervals and 10 balancers. */
function predictions(): number {
  const began = performance.now();
  let maybe = 0;
  for (let idleSeconds = 1; idleSeconds <= 1000; idleSeconds++)
    for (const intervalSeconds of [1, 5, 10, 30, 75, 100, 150, 200, 250, 300])
      for (const timeoutSeconds of [60, 120, 240, 300, 350, 400, 600, 900, 1200, 3600]) {
        const { survives } = predict({
          client: { keepalive: { idleSeconds, intervalSeconds, probes: 9 } },
          server: { keepalive: 'off' },
          middlebox: { layer: 'L4', timeoutSeconds, atExpiry: 'forgets', latePacket: 'drop' },
          quietSeconds: 8 * 3600,
          hz: 250,
        });
        if (survives === 'maybe') maybe++;
      }
  if (maybe === 0) throw new Error('the model knows no lateness');
  return (performance.now() - began) / 1000;
}

async function measure(): Promise<Figure[]> {
  wall('src/cli/scenario.ts', '--list');
  const setup = repeat(5, () => wall());
  const list = repeat(5, () => wall('src/cli/scenario.ts', '--list'));
  const upAndDown = await labUpAndDown(findScenario('rebalance'));
  const chainUpAndDown = await labUpAndDown(chainFile());
  const plan = await planScenario(findScenario('rebalance'), 'compressed', KNOWN);
  const waits = plan.acts.reduce((sum, act) => sum + waitSeconds(act), 0);
  const result = join(scratch, 'latest/result.json');
  const whole =
    repeat(3, () =>
      wall('src/cli/scenario.ts', 'rebalance', '--engine', 'netns', '--runs', scratch, '--reporter', 'minimal'),
    ) - waits;
  const { memoryMb } = JSON.parse(readFileSync(result, 'utf8')) as { memoryMb: { lab: number; orchestrator: number } };
  return [
    { what: 'set-up check, when all is there', value: setup, limit: 0.3, unit: 's' },
    { what: '--list', value: list, limit: 0.3, unit: 's' },
    { what: 'lab up and down (1 client, 1 balancer, 2 brokers)', value: upAndDown, limit: 0.2, unit: 's' },
    { what: 'chain of four boxes up and down', value: chainUpAndDown, limit: 0.1, unit: 's' },
    { what: `rebalance, whole run without its ${waits} s of waits`, value: whole, limit: 1.5, unit: 's' },
    ...virtualFigures(),
    ...(await scaleFigures(scratch)),
    ...(await sweepFigures(scratch)),
    ...(await containerFigures(scratch)),
    { what: '100,000 predictions of the model', value: repeat(3, predictions), limit: 1, unit: 's' },
    { what: 'memory of the orchestrator', value: memoryMb.orchestrator, limit: 150, unit: 'MB' },
    { what: 'memory of the lab’s own process', value: memoryMb.lab, limit: 150, unit: 'MB' },
  ];
}

const program = new Command('bench').description(
  'Measures what the project promises about speed and size, each figure beside its limit. Takes minutes.',
);

await runCommand(program, async () => {
  scratch = mkdtempSync(join(tmpdir(), 'idlelab-bench-'));
  try {
    const figures = await measure();
    const width = Math.max(...figures.map(({ what }) => what.length));
    for (const { what, value, limit, unit, note } of figures) {
      const shown = unit === 'MB' ? String(Math.round(value)) : value.toFixed(unit === 's' ? 3 : 2);
      console.log(
        `${value <= limit ? '✔' : '✖'} ${what.padEnd(width)}  ${shown.padStart(7)} ${unit}  (limit ${limit} ${unit})${note === undefined ? '' : `  ${note}`}`,
      );
    }
    return figures.some(({ value, limit }) => value > limit) ? EXIT.expectationFailed : EXIT.asExpected;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
