// The kernel's source from kernel.org: its sum says whether the download is whole, the signature of the maintainers whose
// public keys lie in lab/kernel says whether it is theirs. Debian's source package needs neither: apt has checked it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LabError, messageOf } from '../../base/errors.ts';
import { packageRoot } from '../../base/root.ts';

export interface Upstream {
  version: string;
  /** Address of the folder that holds linux-<version>.tar.xz, linux-<version>.tar.sign and sha256sums.asc. */
  folder: string;
  /** File of the public keys, armored, one of which must have signed the archive. */
  keys: string;
}

/** Taken where Debian's source package cannot be had. */
export const UPSTREAM: Upstream = {
  version: '6.12.117',
  folder: 'https://cdn.kernel.org/pub/linux/kernel/v6.x',
  keys: join(packageRoot, 'lab/kernel/signing-keys.asc'),
};

const OTHERWISE = 'install Debian’s linux-source-6.12, or give a ready kernel with IDLELAB_KERNEL';

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function fetched(url: string): Promise<Response> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response;
  } catch (error) {
    throw new LabError('MISSING_KERNEL', `cannot fetch ${url}: ${messageOf(error)}`, OTHERWISE, error);
  }
}

async function fetchTo(url: string, file: string): Promise<void> {
  const { body } = await fetched(url);
  await pipeline(
    Readable.fromWeb(body as import('node:stream/web').ReadableStream),
    createWriteStream(`${file}.partial`),
  );
  renameSync(`${file}.partial`, file);
}

/** The keys of an armored file as gpgv wants them: the bytes of its blocks, one after another. */
export function dearmored(text: string): Buffer {
  const blocks = [...text.matchAll(/^-----BEGIN PGP PUBLIC KEY BLOCK-----$([\s\S]*?)^-----END/gm)].map(
    ([, block]) => block as string,
  );
  // Headers end with an empty line; the line that begins with = is a checksum.
  const lines = (block: string) => block.slice(block.indexOf('\n\n') + 2).split('\n');
  return Buffer.concat(
    blocks.map((block) =>
      Buffer.from(
        lines(block)
          .filter((line) => !line.startsWith('='))
          .join(''),
        'base64',
      ),
    ),
  );
}

/** @returns whether one of the keys signed what the archive holds, and what gpgv said */
async function gpgvSays(archive: string, signature: string, keys: string): Promise<{ signed: boolean; said: string }> {
  // A home of its own: neither keys nor options of the user count.
  const home = mkdtempSync(join(archive, '..', 'gpgv-'));
  try {
    const ring = join(home, 'keys.gpg');
    writeFileSync(ring, dearmored(readFileSync(keys, 'utf8')));
    const xz = spawn('xz', ['--decompress', '--stdout', archive], { stdio: ['ignore', 'pipe', 'pipe'] });
    const gpgv = spawn('gpgv', ['--homedir', home, '--status-fd', '1', '--keyring', ring, signature, '-'], {
      env: { ...process.env, GNUPGHOME: home, LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const texts = ['', '', ''];
    for (const [index, stream] of [gpgv.stdout, gpgv.stderr, xz.stderr].entries())
      stream.setEncoding('utf8').on('data', (text: string) => {
        texts[index] = `${texts[index]}${text}`.slice(-8000);
      });
    const ended = (child: typeof xz | typeof gpgv) =>
      new Promise<number | string>((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
      });
    const both = Promise.all([ended(xz), ended(gpgv)]);
    // A gpgv that has seen enough reads no further.
    gpgv.stdin.on('error', () => xz.kill());
    xz.stdout.pipe(gpgv.stdin);
    const [unpacked, verified] = await both;
    const [status, said, problem] = texts as [string, string, string];
    return {
      signed: unpacked === 0 && verified === 0 && /^\[GNUPG:\] VALIDSIG /m.test(status),
      said: [said, problem].join('\n').trim() || `xz ended with ${unpacked}, gpgv with ${verified}`,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * Fetches the source unless it is there, and checks its sum and its signature each time.
 * @param work folder in which it is kept
 * @param has whether a program is on the PATH
 * @returns path of the archive
 * @throws LabError MISSING_TOOL without gpgv; MISSING_KERNEL where it cannot be had or is not what was signed: then it is
 *   removed
 */
export async function upstreamSource(
  work: string,
  { onProgress, has }: { onProgress(text: string): void; has(program: string): boolean },
  { version, folder, keys }: Upstream = UPSTREAM,
): Promise<string> {
  if (!has('gpgv'))
    throw new LabError(
      'MISSING_TOOL',
      'the signature of the kernel’s source cannot be checked: gpgv is missing',
      'sudo apt-get install -y --no-install-recommends gpgv',
    );
  const name = `linux-${version}.tar.xz`;
  const file = join(work, name);
  const signature = join(work, `linux-${version}.tar.sign`);
  const sums = await (await fetched(`${folder}/sha256sums.asc`)).text();
  const expected = new RegExp(`^([0-9a-f]{64})\\s+${name.replaceAll('.', '\\.')}$`, 'm').exec(sums)?.[1];
  if (expected === undefined) throw new LabError('MISSING_KERNEL', `${folder} publishes no sum for ${name}`, OTHERWISE);
  if (!existsSync(file) || (await sha256(file)) !== expected) {
    onProgress(`fetching ${name}`);
    await fetchTo(`${folder}/${name}`, file);
  }
  await fetchTo(`${folder}/linux-${version}.tar.sign`, signature);
  onProgress(`checking the signature of ${name}`);
  const wholeSum = (await sha256(file)) === expected;
  const { signed, said } = wholeSum
    ? await gpgvSays(file, signature, keys)
    : { signed: false, said: `its sum is not the one in ${folder}/sha256sums.asc` };
  rmSync(signature);
  if (signed) return file;
  rmSync(file);
  throw new LabError(
    'MISSING_KERNEL',
    wholeSum
      ? `${name} is not signed by a maintainer whose key is in ${keys}:\n    ${said.replaceAll('\n', '\n    ')}`
      : `${name} is not what was published: ${said}`,
    'run again; if it stays so, somebody stands between you and kernel.org',
  );
}
