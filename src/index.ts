/** Programmatic use: plan a scenario, run it, judge a recorded run again, render a result. */
export type { Engine, Staged } from './engines/engine.ts';
export { netns } from './engines/netns/engine.ts';
export { type ErrorCode, EXIT, type ExitCode, LabError } from './errors.ts';
export { judgeFolder } from './judge/judge.ts';
export { type Result, resultSchema } from './judge/result.ts';
export type { Message } from './lab/record.ts';
export type { ReportContext, Reporter } from './report/reporter.ts';
export { type RunOptions, runScenario } from './run-scenario.ts';
export { DEFAULT_RUNS } from './runs.ts';
export { findScenario, listScenarios } from './scenario/catalogue.ts';
export { planScenario } from './scenario/make-plan.ts';
export type { Plan } from './scenario/plan.ts';
