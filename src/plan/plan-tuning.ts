import type { Pace } from '../base/pace.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { TUNINGS } from './catalogue.ts';
import type { Known } from './known.ts';
import { oneOf } from './names.ts';
import { type HostPlan, ownerOf, type Tuning } from './plan.ts';
import type { Positions } from './read.ts';
import { type Resolver, readTuning } from './resolver.ts';
import type { ScenarioFile } from './schema.ts';

const CLIENT_ONLY = ['heartbeatSeconds', 'commandTimeoutSeconds', 'socketTimeoutSeconds'] as const;

interface Reading {
  hosts: readonly HostPlan[];
  resolver: Resolver;
  positions: Positions;
  known: Known;
  pace: Pace;
}

/** Why a host's program cannot have a tuning. */
async function refusalOf(host: HostPlan | undefined, tuning: Tuning, known: Known): Promise<string | undefined> {
  if (host?.role === 'server') return (await known.servers.load(host.server)).default.refuses(tuning);
  return host?.role === 'client' ? (await known.clients.load(host.library)).default.refuses?.(tuning) : undefined;
}

/** The settings of an act's hosts, by their names in the file. @throws LabError BAD_FILE */
export async function planTuning(
  act: ScenarioFile['acts'][string],
  path: PropertyKey[],
  { hosts, resolver, positions, known, pace }: Reading,
): Promise<Record<string, Tuning>> {
  const result: Record<string, Tuning> = {};
  const owners = [...new Set(hosts.flatMap((host) => (host.role === 'middlebox' ? [] : [ownerOf(host)])))];
  for (const [name, wanted] of Object.entries(act.tuning ?? {})) {
    const here = [...path, 'tuning', name];
    if (!owners.includes(name))
      throw positions.error(here, `a client or a server of this scenario: ${owners.join(', ')}`, {
        found: quoted(name),
        hint: suggestion(name, owners),
        key: true,
      });
    if (typeof wanted === 'string') {
      oneOf('a tuning', wanted, TUNINGS.names(), positions, here);
      result[name] = readTuning(TUNINGS.path(wanted), pace);
    } else result[name] = resolver.tuning(wanted, here);
    const tuning = result[name] as Tuning;
    const host = hosts.find((candidate) => ownerOf(candidate) === name);
    const own: readonly string[] =
      host?.role === 'server' ? ((await known.servers.load(host.server)).default.ownTimers ?? []) : CLIENT_ONLY;
    const wrong = CLIENT_ONLY.find((key) => tuning[key] !== undefined && !own.includes(key));
    if (wrong)
      throw positions.error([...here, wrong.replace('Seconds', '')], 'a setting of this host', {
        found: `${wrong.replace('Seconds', '')}, which only a client has`,
        key: true,
      });
    const refusal = await refusalOf(host, tuning, known);
    if (refusal !== undefined) throw positions.error(here, `settings that this ${host?.role} has (${refusal})`);
  }
  return result;
}
