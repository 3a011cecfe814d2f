import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../base/errors.ts';
import { heldBy, tryLock } from '../../base/folder.ts';
import type { Hz } from '../../base/hz.ts';
import { builtKernel, KERNEL_CONFIG, kernelCache, kernelName } from './kernel.ts';
import { upstreamSource } from './upstream.ts';

/** The series that is built: about twice as fast under time travel as 6.1. */
const SERIES = '6.12';

const TOOLS: Record<string, string> = {
  gcc: 'gcc',
  make: 'make',
  flex: 'flex',
  bison: 'bison',
  bc: 'bc',
  xz: 'xz-utils',
  strip: 'binutils',
};
/** What is not built in, in the order in which it must be loaded. */
const MODULES = [
  'net/netfilter/ipvs/ip_vs.ko',
  'net/netfilter/ipvs/ip_vs_rr.ko',
  'net/netfilter/ipvs/ip_vs_wrr.ko',
  'net/netfilter/ipvs/ip_vs_lc.ko',
  'net/netfilter/ipvs/ip_vs_sh.ko',
  'net/netfilter/ipvs/ip_vs_mh.ko',
] as const;
const ROOM_BYTES = 2.5 * 1024 ** 3;
/** About as many files as a build compiles, for the progress. */
const FILES = 790;

export interface BuildOptions {
  hz: Hz;
  /** Leaves the unpacked source for the next build. */
  keepSource?: boolean;
  /** One line on what is being done, again and again. */
  onProgress(text: string): void;
}

const onPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

function packagesMissing(): string[] {
  const missing = Object.entries(TOOLS).filter(([tool]) => !onPath(tool));
  return [...new Set(missing.map(([, name]) => name)), ...(existsSync('/usr/include/stdio.h') ? [] : ['libc6-dev'])];
}

/** Runs a program to its end, its output in the log. @throws LabError BUILD_FAILED with the log's last lines */
async function run(
  program: string,
  args: readonly string[],
  options: { cwd: string; log: string; env?: NodeJS.ProcessEnv; onLine?(line: string): void },
): Promise<void> {
  const log = createWriteStream(options.log, { flags: 'a' });
  const last: string[] = [];
  const child: ChildProcess = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on('line', (line) => {
        log.write(`${line}\n`);
        last.push(line);
        if (last.length > 12) last.shift();
        options.onLine?.(line);
      });
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(status ?? signal ?? 1));
  });
  log.end();
  if (code !== 0)
    throw new LabError(
      'BUILD_FAILED',
      `${program} ${args.slice(0, 3).join(' ')} … ended with ${code}:\n    ${last.join('\n    ')}`,
      `see ${options.log}; run npm run kernel again: it goes on where it stopped`,
    );
}

/** Debian's own archive of the series, newest last; undefined where the package is not installed. */
const debianSource = (): string | undefined =>
  existsSync('/usr/src')
    ? readdirSync('/usr/src')
        .filter((name) => name.startsWith(`linux-source-${SERIES}`) && name.endsWith('.tar.xz'))
        .sort()
        .map((name) => join('/usr/src', name))
        .at(-1)
    : undefined;

async function aptInstall(packages: readonly string[], log: string): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  try {
    await run('apt-get', install, { cwd: '/', log, env });
  } catch {
    await run('apt-get', ['update'], { cwd: '/', log, env });
    await run('apt-get', install, { cwd: '/', log, env });
  }
}

/** Compiler and source, installed by apt where we may. @returns the source archive. @throws LabError MISSING_TOOL */
async function prepare(work: string, log: string, onProgress: BuildOptions['onProgress']): Promise<string> {
  const may = process.getuid?.() === 0 && onPath('apt-get');
  const wanted = [...packagesMissing(), ...(debianSource() === undefined && may ? [`linux-source-${SERIES}`] : [])];
  if (wanted.length > 0 && may) {
    onProgress(`installing ${wanted.join(' ')}`);
    await aptInstall(wanted, log).catch((error: unknown) => {
      // Without Debian's source there is still kernel.org; without a compiler there is nothing.
      if (packagesMissing().length > 0) throw error;
    });
  }
  const missing = packagesMissing();
  if (missing.length > 0)
    throw new LabError(
      'MISSING_TOOL',
      `to build the kernel these packages are missing: ${missing.join(' ')}`,
      `sudo apt-get install -y --no-install-recommends ${missing.join(' ')} linux-source-${SERIES}`,
    );
  const debian = debianSource();
  // apt has checked it against the archive's signature.
  if (debian !== undefined) return debian;
  if (may && !onPath('gpgv')) await aptInstall(['gpgv'], log);
  return upstreamSource(work, { onProgress, has: onPath });
}

/** Unpacks the source once; the marker is written last, so half a tree is unpacked again. */
async function unpack(archive: string, tree: string, log: string): Promise<void> {
  const marker = join(tree, '.idlelab-unpacked');
  if (existsSync(marker)) return;
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  await run('tar', ['xf', archive, '--strip-components=1', '-C', tree], { cwd: tree, log });
  // HZ has no question of its own on this architecture; with one, the configuration can answer it.
  const kconfig = join(tree, 'arch/um/Kconfig');
  const text = readFileSync(kconfig, 'utf8');
  const asked = text.replace(/^(config HZ\n\tint)$/m, '$1 "timer interrupts a second"');
  if (asked === text)
    throw new LabError('BUILD_FAILED', 'this kernel source has no HZ in arch/um/Kconfig', `take Linux ${SERIES}`);
  writeFileSync(kconfig, asked);
  writeFileSync(marker, '');
}

/** Options of the fragment that did not make it into the configuration, because the source does not know them any more. */
function unmet(fragment: string, config: string): string[] {
  const set = new Set(config.split('\n'));
  return fragment.split('\n').filter((line) => /^CONFIG_\w+=(?!n$)/.test(line) && !set.has(line));
}

async function withLock<T>(work: string, onProgress: BuildOptions['onProgress'], build: () => Promise<T>): Promise<T> {
  let taken = tryLock(join(work, 'lock'));
  for (let told = ''; !('release' in taken); taken = tryLock(join(work, 'lock'))) {
    const { who, todo } = heldBy(taken);
    if (taken.life.state !== 'alive')
      throw new LabError('BUILD_FAILED', `${taken.file} says that another build is running: ${who}`, todo);
    const text = `another build is running (${who}), waiting for it`;
    if (text !== told) onProgress(text);
    told = text;
    await sleep(500);
  }
  try {
    return await build();
  } finally {
    taken.release();
  }
}

const versionOf = (tree: string): string => {
  const makefile = readFileSync(join(tree, 'Makefile'), 'utf8');
  const number = (name: string) => new RegExp(`^${name} = (\\d+)$`, 'm').exec(makefile)?.[1] ?? '0';
  return ['VERSION', 'PATCHLEVEL', 'SUBLEVEL'].map(number).join('.');
};

/**
 * Builds the time-travelling kernel into the user's cache. Goes on where an earlier try stopped; two at once wait for each
 * other; the result is there whole or not at all.
 * @returns path of the kernel
 * @throws LabError MISSING_TOOL, MISSING_KERNEL, NO_ROOM, BUILD_FAILED
 */
export async function buildKernel({ hz, keepSource = false, onProgress }: BuildOptions): Promise<string> {
  const cache = kernelCache();
  const work = join(cache, 'work');
  mkdirSync(work, { recursive: true });
  const log = join(work, 'build.log');
  const { bavail, bsize } = statfsSync(work);
  if (bavail * bsize < ROOM_BYTES)
    throw new LabError(
      'NO_ROOM',
      `the build needs 2.5 GB in ${work}, ${((bavail * bsize) / 1024 ** 3).toFixed(1)} GB are free`,
      'make room, or set XDG_CACHE_HOME to a folder with room',
    );
  return withLock(work, onProgress, async () => {
    // Whoever we waited for may have built it.
    const ready = builtKernel(hz);
    if (ready !== undefined) return ready;
    writeFileSync(log, '');
    const archive = await prepare(work, log, onProgress);
    const tree = join(work, 'source');
    onProgress('unpacking the source');
    await unpack(archive, tree, log);
    const name = kernelName(versionOf(tree), hz);
    const final = join(cache, name);
    if (existsSync(join(final, 'linux'))) return join(final, 'linux');
    const output = join(work, `objects-hz${hz}`);
    mkdirSync(output, { recursive: true });
    const make = (args: readonly string[], onLine?: (line: string) => void) =>
      run('make', ['ARCH=um', 'SUBARCH=x86_64', `O=${output}`, ...args], {
        cwd: tree,
        log,
        ...(onLine ? { onLine } : {}),
      });
    const fragment = `${readFileSync(KERNEL_CONFIG, 'utf8')}CONFIG_HZ=${hz}\n`;
    const fragmentFile = join(output, 'fragment.config');
    writeFileSync(fragmentFile, fragment);
    onProgress('configuring');
    await make([`KCONFIG_ALLCONFIG=${fragmentFile}`, 'allnoconfig']);
    const missing = unmet(fragment, readFileSync(join(output, '.config'), 'utf8'));
    if (missing.length > 0)
      throw new LabError('BUILD_FAILED', `this source does not know ${missing.join(', ')}`, `take Linux ${SERIES}`);
    let compiled = 0;
    await make([`-j${availableParallelism()}`, 'linux', 'modules'], (line) => {
      if (/^ {2}(CC|AS|LD|AR) /.test(line)) onProgress(`compiling, file ${++compiled} of about ${FILES}`);
    });
    const partial = `${final}.partial-${process.pid}`;
    mkdirSync(partial, { recursive: true });
    copyFileSync(join(output, 'linux'), join(partial, 'linux'));
    await run('strip', [join(partial, 'linux')], { cwd: partial, log });
    for (const module of MODULES) copyFileSync(join(output, module), join(partial, basename(module)));
    await run('strip', ['--strip-debug', ...MODULES.map((module) => join(partial, basename(module)))], {
      cwd: partial,
      log,
    });
    writeFileSync(join(partial, 'config'), readFileSync(join(output, '.config')));
    renameSync(partial, final);
    for (const folder of keepSource ? [output] : [output, tree]) rmSync(folder, { recursive: true, force: true });
    return join(final, 'linux');
  });
}
