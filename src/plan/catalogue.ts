import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Catalogue } from '../base/catalogue.ts';
import { LabError } from '../base/errors.ts';
import { packageRoot } from '../base/root.ts';
import { nearest } from '../base/suggest.ts';

export const SCENARIOS: Catalogue = new Catalogue('a scenario', join(packageRoot, 'lab/scenarios'), '.yaml');
export const MIDDLEBOXES: Catalogue = new Catalogue('a middlebox', join(packageRoot, 'lab/middleboxes'), '.yaml');
export const TUNINGS: Catalogue = new Catalogue('a tuning', join(packageRoot, 'lab/tunings'), '.yaml');
export const SWEEPS: Catalogue = new Catalogue('a sweep', join(packageRoot, 'lab/sweeps'), '.yaml');

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
