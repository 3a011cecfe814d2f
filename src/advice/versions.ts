import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../base/root.ts';
import type { VersionSource } from './advice.ts';

const VERSION = /\d+(\.\d+)*/;
const PROGRAM_SECONDS = 5;
/** Where servers are installed, which is not on everybody's path. */
const SYSTEM = ['/usr/sbin', '/sbin'];

interface Manifest {
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}
const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Of the package as it is installed here, or else the range in which this one was written for it. */
function packageVersion(name: string): string | undefined {
  const folders = createRequire(join(packageRoot, 'package.json')).resolve.paths(name) ?? [];
  const installed = folders
    .map((folder) => join(folder, name))
    .find((folder) => existsSync(join(folder, 'package.json')));
  if (installed !== undefined) return manifest(installed).version;
  const { dependencies, devDependencies } = manifest(packageRoot);
  return { ...devDependencies, ...dependencies }[name];
}

const asked = new Map<string, Promise<string | undefined>>();

/** Every program is asked once: starting one (a JVM, say) can take a second. */
function programVersion(program: string, args: readonly string[]): Promise<string | undefined> {
  const command = [program, ...args].join(' ');
  const known = asked.get(command) ?? askProgram(program, args);
  asked.set(command, known);
  return known;
}

async function askProgram(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], {
      timeout: PROGRAM_SECONDS * 1000,
      env: { ...process.env, PATH: [process.env.PATH, ...SYSTEM].join(delimiter) },
    });
    return VERSION.exec(stdout || stderr)?.[0];
  } catch {
    return undefined;
  }
}

/**
 * The version of what an advice is for, with its name: "ioredis 6.0.0".
 * @param recorded versions by program, as a run noted them: they come before what is installed here
 * @returns undefined where it is not installed
 */
export async function versionOf(
  source: VersionSource,
  recorded: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  if ('package' in source) {
    const version = packageVersion(source.package);
    return version === undefined ? undefined : `${source.package} ${version}`;
  }
  const { program, arguments: args, called } = source;
  const version = VERSION.exec(recorded[program] ?? '')?.[0] ?? (await programVersion(program, args));
  return version === undefined ? undefined : `${called} ${version}`;
}
