import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Catalogue, ModuleCatalogue } from '../base/catalogue.ts';
import { LabError } from '../base/errors.ts';
import { packageRoot } from '../base/root.ts';
import { nearest } from '../base/suggest.ts';
import type { Check } from '../judge/check.ts';

export const SCENARIOS: Catalogue = new Catalogue('a scenario', join(packageRoot, 'lab/scenarios'), '.yaml');
export const MIDDLEBOXES: Catalogue = new Catalogue('a middlebox', join(packageRoot, 'lab/middleboxes'), '.yaml');
export const TUNINGS: Catalogue = new Catalogue('a tuning', join(packageRoot, 'lab/tunings'), '.yaml');
export const SWEEPS: Catalogue = new Catalogue('a sweep', join(packageRoot, 'lab/sweeps'), '.yaml');

export const CHECKS: ModuleCatalogue<{ default: Check }> = new ModuleCatalogue('a check', 'src/judge/checks');
export const FAULTS: ModuleCatalogue<{ default: import('../stage/fault.ts').Fault }> = new ModuleCatalogue(
  'a fault',
  'src/stage/faults',
);
export const CLIENTS: ModuleCatalogue<{ default: import('../../services/client/library.ts').Library }> =
  new ModuleCatalogue('a client library', 'services/client/libraries');
export const BROKERS: ModuleCatalogue<{ default: import('../stage/broker.ts').Broker }> = new ModuleCatalogue(
  'a broker',
  'src/stage/servers',
);
export const BALANCERS: ModuleCatalogue<{ default: import('../stage/player.ts').Player }> = new ModuleCatalogue(
  'a way to play a middlebox',
  'src/stage/boxes',
);
export const REPORTERS: ModuleCatalogue<{ default: import('../report/reporter.ts').Reporter }> = new ModuleCatalogue(
  'a report format',
  'src/report/formats',
);
export const SWEEP_REPORTERS: ModuleCatalogue<{ default: import('../report/sweep/reporter.ts').SweepReporter }> =
  new ModuleCatalogue('a report format of sweeps', 'src/report/sweep/formats');
export const ADVICE: ModuleCatalogue<{ default: import('../advice/advice.ts').Advice }> = new ModuleCatalogue(
  'a target of advice',
  'src/advice/targets',
);

export const AGENT_ACTIONS: readonly string[] = ['connect', 'connect-and-request', 'request', 'close'];

/** The path of a scenario, by the name of a shipped one or by a file's path. @throws LabError UNKNOWN_SCENARIO */
export function findScenario(nameOrPath: string): string {
  const names = SCENARIOS.names();
  if (names.includes(nameOrPath)) return SCENARIOS.path(nameOrPath);
  if (/[/\\]|\.ya?ml$/.test(nameOrPath)) {
    if (existsSync(nameOrPath)) return resolve(nameOrPath);
    throw new LabError(
      'UNKNOWN_SCENARIO',
      `there is no file ${nameOrPath}`,
      'give a shipped scenario’s name (npm run scenario -- --list) or the path of a YAML file',
    );
  }
  const near = nearest(nameOrPath, names);
  throw new LabError(
    'UNKNOWN_SCENARIO',
    `there is no scenario "${nameOrPath}"`,
    near.length > 0
      ? `did you mean ${near.join(', ')}? All of them: npm run scenario -- --list`
      : `choose one of ${names.join(', ')}`,
  );
}

/** Title and one-line summary of every shipped scenario, read without validating the whole file. */
export function listScenarios(): { name: string; title: string; summary: string }[] {
  return SCENARIOS.names().map((name) => {
    const text = readFileSync(SCENARIOS.path(name), 'utf8');
    const title = /^title:\s*(.*)$/m.exec(text)?.[1]?.replace(/^(['"])(.*)\1$/, '$2') ?? name;
    const comment = (/^(?:#.*\n)+/.exec(text)?.[0] ?? '').replace(/^# ?/gm, '').replace(/\n/g, ' ');
    return { name, title, summary: /^.*?[.!?](?=\s|$)/.exec(comment)?.[0] ?? comment };
  });
}
