import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ioredis from '../../src/advice/targets/ioredis.ts';
import redisServer from '../../src/advice/targets/redis-server.ts';
import sysctl from '../../src/advice/targets/sysctl.ts';
import { packageRoot } from '../../src/base/root.ts';
import { type ActEvidence, type Evidence, readEvidence } from '../../src/evidence/read.ts';
import { type ActAdvice, ActFacts } from '../../src/judge/facts.ts';
import { judgeAct, judgeRun } from '../../src/judge/judge.ts';
import type { ActResult, Result } from '../../src/judge/result.ts';

const FOLDER = join(packageRoot, 'test/fixtures');

/** The scenarios of which a run is recorded. */
export const FIXTURES: string[] = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['sweep', 'results-v1'].includes(entry.name))
  .map(({ name }) => name);

/** A run that the lab itself recorded, with two connections. */
export const recorded = (scenario: string): Evidence => readEvidence(join(FOLDER, scenario));

export const judged = (scenario: string): Promise<Result> => judgeRun(recorded(scenario), 0);

/** Of every recorded run. */
export const TOLD: ActAdvice = {
  clients: { pool: ioredis, web: ioredis, batch: ioredis },
  servers: Object.fromEntries(['mq', 'mq-1', 'mq-2', 'server'].map((name) => [name, redisServer])),
  sysctl,
};

export function factsOf(scenario: string, act: string, change: (evidence: ActEvidence) => void = () => {}): ActFacts {
  const evidence = recorded(scenario).acts.find((candidate) => candidate.plan.name === act);
  if (!evidence) throw new Error(`no act ${act} in the recorded ${scenario}`);
  change(evidence);
  return new ActFacts(evidence, TOLD);
}

/** Judges one recorded act after its evidence has been changed. */
export const judgedAct = (
  scenario: string,
  act: string,
  change?: (evidence: ActEvidence) => void,
): Promise<ActResult> => judgeAct(factsOf(scenario, act, change));

/** The status of one finding of an act. */
export const statusOf = (result: ActResult, check: string): string | undefined =>
  result.findings.find(({ id }) => id === check)?.status;
