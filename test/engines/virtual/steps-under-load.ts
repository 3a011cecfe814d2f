// Plays many runs of `reset` in virtual time, several at a time, beside programs that want every processor, and tells how far
// the recorded steps lasted longer or shorter than planned.
//
// usage: node test/engines/virtual/steps-under-load.ts [<runs>, each of two acts] [<at a time>]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_HZ } from '../../../src/base/hz.ts';
import { Slots } from '../../../src/base/slots.ts';
import { runScenario } from '../../../src/cli/run-scenario.ts';
import { virtual } from '../../../src/engines/virtual/engine.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { SCENARIOS } from '../../../src/plan/catalogue.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import type { ActRecord } from '../../../src/stage/record.ts';

const [runs = 100, atATime = 4] = process.argv.slice(2).map(Number);
const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-load-'));
const busy = Array.from({ length: availableParallelism() }, () =>
  spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
);
const stopBusy = () => {
  for (const child of busy) child.kill('SIGKILL');
};
process.once('exit', stopBusy);

const plan = await planScenario(SCENARIOS.path('reset'), 'production', KNOWN);
const engine = virtual(DEFAULT_HZ, new Slots(atATime));
const acts: ActRecord[] = [];
const verdicts: Record<string, number> = {};
const began = performance.now();
let next = 0;
async function worker(): Promise<void> {
  while (next++ < runs) {
    const { result, folder } = await runScenario(plan, {
      engine,
      runsFolder: scratch,
      onMessage: (message) => message.type === 'played' && acts.push(message.act),
      signal: new AbortController().signal,
    });
    verdicts[result.verdict] = (verdicts[result.verdict] ?? 0) + 1;
    if (result.verdict !== 'pass')
      for (const act of result.acts)
        for (const { id, status, observed } of act.findings)
          if (status !== 'pass') console.log(`${act.name}: ${id} ${status}: ${observed}`);
    rmSync(folder, { recursive: true, force: true });
  }
}
try {
  await Promise.all(Array.from({ length: atATime }, worker));
} finally {
  stopBusy();
  rmSync(scratch, { recursive: true, force: true });
}
const excesses = acts.flatMap(({ steps }) =>
  steps.flatMap((step) => ('seconds' in step ? [step.to - step.from - step.seconds] : [])),
);
const [least, most] = [Math.min(...excesses), Math.max(...excesses)];
console.log(
  `${acts.length} acts, ${excesses.length} waits, ${Math.round((performance.now() - began) / 1000)} s; verdicts ${JSON.stringify(verdicts)}; waits lasted ${least.toFixed(4)} s to ${most.toFixed(4)} s longer than planned`,
);
if (verdicts.pass !== runs) process.exitCode = 1;
