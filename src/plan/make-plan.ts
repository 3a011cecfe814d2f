import type { Pace } from '../base/pace.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { nameOfFile } from './file-name.ts';
import type { Known, KnownPlace } from './known.ts';
import { notReserved, oneOf } from './names.ts';
import { ownParams } from './own-params.ts';
import { pathNames } from './paths.ts';
import type { ActPlan, Expectation, HostPlan, Plan } from './plan.ts';
import {
  checkBoxes,
  checkPlace,
  checkProtocols,
  planHosts,
  planPaths,
  profilesOf,
  type Reading,
} from './plan-hosts.ts';
import { planTimeline } from './plan-timeline.ts';
import { planTuning } from './plan-tuning.ts';
import { type Positions, readYaml } from './read.ts';
import { RESERVED_ACTS, sharedFileName } from './reserved-names.ts';
import { Resolver } from './resolver.ts';
import { type ScenarioFile, scenarioSchema } from './schema.ts';
import type { IpFamily } from './topology.ts';

/** Parameters of checks that name a host of the scenario. */
const HOST_PARAMS = ['at', 'on', 'client', 'box'] as const;

async function planExpectations(
  act: ScenarioFile['acts'][string],
  path: PropertyKey[],
  {
    hosts,
    resolver,
    positions,
    known,
  }: { hosts: readonly HostPlan[]; resolver: Resolver; positions: Positions; known: Known },
): Promise<Expectation[]> {
  const expectations: Expectation[] = [];
  for (const [index, wanted] of act.expect.entries()) {
    const [check, raw] =
      typeof wanted === 'string' ? [wanted, {}] : (Object.entries(wanted)[0] as [string, Record<string, unknown>]);
    const here = typeof wanted === 'string' ? [...path, 'expect', index] : [...path, 'expect', index, check];
    oneOf('a check', check, known.checks.names(), positions, here);
    const { default: definition } = await known.checks.load(check);
    const params = ownParams(
      raw ?? {},
      here,
      { schema: definition.params, takes: `what ${check} takes` },
      { resolver, positions },
    );
    const names = pathNames(hosts);
    for (const key of HOST_PARAMS) {
      const name = params[key];
      if (typeof name === 'string') oneOf('a host', name, names, positions, [...here, key]);
    }
    expectations.push({ check, params });
  }
  return expectations;
}

/** The parameters of an act: those of the scenario, with what differs in the act. */
function paramsOf(file: ScenarioFile, act: ScenarioFile['acts'][string], here: PropertyKey[], positions: Positions) {
  const params = new Map<string, { raw: unknown; path: readonly PropertyKey[] }>();
  for (const [key, raw] of Object.entries(file.params)) params.set(key, { raw, path: ['params', key] });
  for (const [key, raw] of Object.entries(act.params ?? {})) {
    if (!Object.hasOwn(file.params, key))
      throw positions.error(
        [...here, 'params', key],
        `a parameter of the scenario: ${Object.keys(file.params).join(', ') || '(none)'}`,
        { found: quoted(key), hint: suggestion(key, Object.keys(file.params)), key: true },
      );
    params.set(key, { raw, path: [...here, 'params', key] });
  }
  return params;
}

async function planAct(
  { name, act, ip }: { name: string; act: ScenarioFile['acts'][string]; ip: IpFamily },
  reading: Reading,
  pace: Pace,
): Promise<ActPlan> {
  const { file, positions, known } = reading;
  const here: PropertyKey[] = ['acts', name];
  const params = paramsOf(file, act, here, positions);
  const played = new Resolver(params, pace, positions);
  const production = new Resolver(params, 'production', positions);
  const hosts = await planHosts(reading, { played, production });
  const paths = planPaths(hosts, reading);
  await checkBoxes(hosts, paths, ip, reading, played);
  await checkProtocols(hosts, paths, reading);
  const inLife = await planTimeline(file, { act: name, hosts, paths, resolver: production, positions, known });
  const planned: ActPlan = {
    name,
    title: act.title ?? name,
    ip,
    hosts,
    paths,
    tuning: await planTuning(act, here, { hosts, resolver: played, positions, known, pace }),
    productionTuning: await planTuning(act, here, {
      hosts,
      resolver: production,
      positions,
      known,
      pace: 'production',
    }),
    productionQuietSeconds: Math.max(0, ...inLife.map((step) => (step.kind === 'quiet' ? step.seconds : 0))),
    ...(act.hz === undefined ? {} : { hz: act.hz }),
    timeline: await planTimeline(file, { act: name, hosts, paths, resolver: played, positions, known }),
    expect: await planExpectations(act, here, { hosts, resolver: played, positions, known }),
  };
  await checkPlace(planned, reading, played);
  return planned;
}

/**
 * Reads a scenario file and resolves it for one pace.
 * @param known what there is to stage and to judge with
 * @param place where it is to be played: it is asked whether it can; left out, the plan is one for any
 * @throws LabError BAD_FILE (file, line, column) before anything is started
 */
export async function planScenario(path: string, pace: Pace, known: Known, place?: KnownPlace): Promise<Plan> {
  const scenario = nameOfFile(path);
  const { value: file, source, positions } = readYaml(path, scenarioSchema);
  const reading: Reading = { file, positions, known, place, profiles: profilesOf(known) };
  const acts: ActPlan[] = [];
  const families: IpFamily[] = file.ip === 'both' ? ['v4', 'v6'] : [file.ip];
  for (const [name, act] of Object.entries(file.acts)) {
    notReserved('an act', RESERVED_ACTS, name, positions, ['acts', name]);
    for (const ip of families) {
      const planned = await planAct({ name, act, ip }, reading, pace);
      acts.push(
        families.length === 1
          ? planned
          : { ...planned, name: `${name}-${ip}`, title: `${planned.title}, over IP${ip}` },
      );
    }
  }
  const shared = sharedFileName(acts);
  if (shared)
    throw positions.error(['acts', shared.acts[1]], 'acts and hosts whose names, joined by a dash, differ', {
      found: `"${shared.name}" in the acts ${shared.acts.join(' and ')}`,
      key: true,
    });
  return {
    schemaVersion: 2,
    scenario,
    title: file.title,
    story: source.comment,
    file: path,
    pace,
    acts,
    next: file.next ?? null,
  };
}
