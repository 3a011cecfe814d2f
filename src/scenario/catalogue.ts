import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LabError } from '../errors.ts';
import type { Check } from '../judge/check.ts';
import { codeRoot, moduleExtension, packageRoot } from '../root.ts';
import { nearest } from './suggest.ts';

/** A folder in which adding a file adds a thing. The file's name is the thing's name. */
class Folder {
  readonly folder: string;
  readonly extension: string;

  constructor(folder: string, extension: string) {
    this.folder = folder;
    this.extension = extension;
  }

  names(): string[] {
    return readdirSync(this.folder)
      .filter((file) => extname(file) === this.extension && !file.endsWith(`.d${this.extension}`))
      .map((file) => basename(file, this.extension))
      .sort();
  }

  path(name: string): string {
    return join(this.folder, name + this.extension);
  }
}

class Modules<T> extends Folder {
  constructor(folder: string) {
    super(join(codeRoot, folder), moduleExtension);
  }

  async load(name: string): Promise<T> {
    return (await import(pathToFileURL(this.path(name)).href)) as T;
  }
}

export const SCENARIOS: Folder = new Folder(join(packageRoot, 'lab/scenarios'), '.yaml');
export const MIDDLEBOXES: Folder = new Folder(join(packageRoot, 'lab/middleboxes'), '.yaml');
export const TUNINGS: Folder = new Folder(join(packageRoot, 'lab/tunings'), '.yaml');
export const SWEEPS: Folder = new Folder(join(packageRoot, 'lab/sweeps'), '.yaml');

export const CHECKS: Modules<{ default: Check }> = new Modules('src/judge/checks');
export const FAULTS: Modules<{ default: import('../lab/fault.ts').Fault }> = new Modules('src/lab/faults');
export const CLIENTS: Modules<{ default: import('../../services/client/library.ts').Library }> = new Modules(
  'services/client/libraries',
);
export const BROKERS: Modules<{ default: import('../../services/broker/broker.ts').Broker }> = new Modules(
  'services/broker/kinds',
);
export const BALANCERS: Modules<{ default: import('../../services/balancer/player.ts').Player }> = new Modules(
  'services/balancer/players',
);
export const REPORTERS: Modules<{ default: import('../report/reporter.ts').Reporter }> = new Modules(
  'src/report/formats',
);

export const SWEEP_REPORTERS: Modules<{ default: import('../report/sweep/reporter.ts').SweepReporter }> = new Modules(
  'src/report/sweep/formats',
);
export const SETTINGS: Modules<{ default: import('../settings/setting.ts').Setting }> = new Modules(
  'src/settings/targets',
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
