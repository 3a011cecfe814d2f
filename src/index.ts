/** Programmatic use: plan a scenario, run it, judge a recorded run again, render a result. */

import type { Pace } from './base/pace.ts';
import type { Engine } from './engines/engine.ts';
import { KNOWN } from './judge/known.ts';
import { planScenario as planKnowing } from './plan/make-plan.ts';
import type { Plan } from './plan/plan.ts';

export { type ErrorCode, EXIT, type ExitCode, LabError } from './base/errors.ts';
export { DEFAULT_RUNS } from './base/runs.ts';
export { type RunOptions, runScenario } from './cli/run-scenario.ts';
export type { Engine, Staged } from './engines/engine.ts';
export { netns } from './engines/netns/engine.ts';
export { judgeFolder } from './judge/judge.ts';
export { type Result, resultSchema } from './judge/result.ts';
export { findScenario, listScenarios } from './plan/catalogue.ts';
export type { Plan } from './plan/plan.ts';
export type { ReportContext, Reporter } from './report/reporter.ts';
export type { Message } from './stage/record.ts';

/**
 * Reads a scenario file and resolves it for one pace.
 * @param engine where it is to be played: it is asked whether it can; left out, the plan is one for any
 * @throws LabError BAD_FILE (file, line, column) before anything is started
 */
export const planScenario = (path: string, pace: Pace, engine?: Engine): Promise<Plan> =>
  planKnowing(path, pace, KNOWN, engine);
