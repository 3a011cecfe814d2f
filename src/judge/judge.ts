import { ADVICE } from '../advice/catalogue.ts';
import { LabError } from '../base/errors.ts';
import { badEvidence, issueText } from '../evidence/document.ts';
import { RUN_FILE } from '../evidence/files.ts';
import { type Evidence, readEvidence } from '../evidence/read.ts';
import { type ActPlan, boxesOf, clientsOf, type MiddleboxPlan, serversOf, waitSeconds } from '../plan/plan.ts';
import { CHECKS } from './catalogue.ts';
import { ask } from './check.ts';
import { type ActAdvice, ActFacts } from './facts.ts';
import { keepaliveRows } from './keepalive.ts';
import { buildLadders } from './ladder.ts';
import { outcomeOf } from './outcome.ts';
import type { ActResult, Finding, Result, Verdict } from './result.ts';
import { speedOf } from './speed.ts';
import { deviationsOf, timelineFinding } from './timeline.ts';

/** One failed expectation fails the act; one that could not be told leaves it open; else it passed. */
export function verdictOf(statuses: readonly ('pass' | 'fail' | 'unknown' | 'inconclusive')[]): Verdict {
  if (statuses.includes('fail')) return 'fail';
  return statuses.length === 0 || statuses.includes('unknown') || statuses.includes('inconclusive')
    ? 'inconclusive'
    : 'pass';
}

/** How the client libraries and the servers of an act are told what to do. Nobody's own code is loaded for that. */
export async function adviceFor(plan: ActPlan): Promise<ActAdvice> {
  const known = ADVICE.names();
  const find = async (name: string) => (known.includes(name) ? (await ADVICE.load(name)).default : undefined);
  const byHost = async <H extends { name: string }>(hosts: readonly H[], nameOf: (host: H) => string) =>
    Object.fromEntries(await Promise.all(hosts.map(async (host) => [host.name, await find(nameOf(host))] as const)));
  return {
    clients: await byHost(clientsOf(plan), ({ library }) => library),
    servers: await byHost(serversOf(plan), ({ server }) => `${server}-server`),
    sysctl: await find('sysctl'),
  };
}

/** Judges one act from its evidence alone. @throws LabError BAD_EVIDENCE, UNKNOWN_NAME where a check cannot be asked that */
export async function judgeAct(facts: ActFacts): Promise<ActResult> {
  const { plan, evidence } = facts;
  const deviations = deviationsOf(plan, evidence.record);
  const findings: Finding[] = deviations.length > 0 ? [timelineFinding(deviations)] : [];
  for (const { check, params } of plan.expect) {
    const { default: definition } = await CHECKS.load(check);
    const asked = definition.params.safeParse(params);
    if (!asked.success)
      throw badEvidence(RUN_FILE, `the parameters of ${check} in the act ${plan.name}: ${issueText(asked.error)}`);
    findings.push({ id: check, params, ...ask(definition, facts, asked.data) });
  }
  return {
    name: plan.name,
    title: plan.title,
    verdict: deviations.length > 0 ? 'inconclusive' : verdictOf(findings.map(({ status }) => status)),
    tuning: { ...plan.tuning },
    productionTuning: { ...plan.productionTuning },
    hz: evidence.record.hz ?? null,
    labSeconds: facts.at(evidence.record.to),
    waitSeconds: waitSeconds(plan),
    deviations,
    outcome: outcomeOf(facts),
    keepalive: keepaliveRows(facts),
    findings,
    paths: plan.paths,
    ladders: buildLadders(facts, findings),
  };
}

/** The boxes of an act in the order of its paths. */
function inOrder(act: ActPlan): MiddleboxPlan[] {
  const all = new Map(boxesOf(act).map((box) => [box.name, box]));
  const names = new Set([...act.paths.flatMap(({ boxes }) => boxes), ...all.keys()]);
  return [...names].flatMap((name) => all.get(name) ?? []);
}

/** A run that was cut off has fewer acts than its plan, and a reason; without one, its record is incomplete. */
function actsMissing({ run }: Evidence): LabError | undefined {
  const missing = run.plan.acts.filter(({ name }) => !run.acts.some((record) => record.name === name));
  return missing.length === 0
    ? undefined
    : new LabError(
        'BAD_EVIDENCE',
        `run.json has no record of ${missing.map(({ name }) => `the act ${name}`).join(', ')}`,
        'run the scenario again',
      );
}

/**
 * Judges a recorded run.
 * @param cutOff why the run could not be finished, if it could not
 */
export async function judgeRun(evidence: Evidence, orchestratorMemoryMb: number, cutOff?: LabError): Promise<Result> {
  const { run } = evidence;
  const problem = cutOff ?? actsMissing(evidence);
  const acts: ActResult[] = [];
  for (const act of evidence.acts) acts.push(await judgeAct(new ActFacts(act, await adviceFor(act.plan))));
  const first = run.plan.acts[0] as ActPlan;
  const waits = acts.reduce((sum, act) => sum + act.waitSeconds, 0);
  const labSeconds = acts.reduce((sum, act) => sum + act.labSeconds, 0);
  return {
    schemaVersion: 2,
    scenario: run.plan.scenario,
    title: run.plan.title,
    story: run.plan.story,
    engine: run.engine,
    pace: run.plan.pace,
    verdict: problem ? 'inconclusive' : verdictOf(acts.map(({ verdict }) => verdict)),
    startedAt: run.startedAt,
    labSeconds: Math.round(labSeconds * 1e3) / 1e3,
    ...speedOf(run.wallSeconds, { labSeconds, waits }),
    memoryMb: { lab: run.memoryMb, orchestrator: orchestratorMemoryMb },
    versions: run.versions,
    middleboxes: inOrder(first).map(({ name, profile, product, layer, timers, productionTimers }) => ({
      host: name,
      profile,
      product,
      layer,
      timers,
      productionTimers,
    })),
    acts,
    problem: problem ? problem.toJSON() : null,
    next: run.plan.next,
  };
}

/** Reads a run's folder and judges it again. @throws LabError BAD_EVIDENCE */
export const judgeFolder = async (folder: string): Promise<{ result: Result; evidence: Evidence }> => {
  const evidence = readEvidence(folder);
  return { evidence, result: await judgeRun(evidence, 0) };
};
