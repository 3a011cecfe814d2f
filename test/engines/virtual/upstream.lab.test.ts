import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LabError } from '../../../src/base/errors.ts';
import { dearmored, UPSTREAM, upstreamSource } from '../../../src/engines/virtual/upstream.ts';

const has = (program: string) => spawnSync('which', [program]).status === 0;
/** In CI they must be there: without them the tests fail. */
const canSign = Boolean(process.env.CI) || ['gpg', 'gpgv', 'xz'].every(has);

const NAME = 'linux-1.2.3';

describe.runIf(canSign)('the kernel’s source', () => {
  // A stand-in for kernel.org, a maintainer and a stranger, each with a key made here.
  const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-up-'));
  const site = join(scratch, 'site');
  const server = createServer((request, response) => {
    const file = join(site, (request.url ?? '').slice(1));
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.end(readFileSync(file));
  });
  const gpg = (home: string, ...args: string[]) =>
    execFileSync('gpg', ['--homedir', join(scratch, home), '--batch', '--yes', '--passphrase', '', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const keysOf = (home: string): string => {
    const file = join(scratch, `${home}.asc`);
    writeFileSync(file, `Some words before.\n\n${gpg(home, '--armor', '--export').toString()}`);
    return file;
  };
  let keys: string;
  let folder: string;
  let work: string;
  beforeAll(async () => {
    for (const home of ['maintainer', 'stranger']) {
      mkdirSync(join(scratch, home), { mode: 0o700 });
      gpg(home, '--quick-gen-key', `${home}@example.org`, 'ed25519', 'sign', 'never');
    }
    keys = keysOf('maintainer');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    folder = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    for (const home of ['maintainer', 'stranger'])
      spawnSync('gpgconf', ['--homedir', join(scratch, home), '--kill', 'all']);
    await new Promise((resolve) => server.close(resolve));
    rmSync(scratch, { recursive: true, force: true });
  });

  const sum = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  /** Publishes an archive: what it holds, what was signed, by whom. */
  function publish(content: string, { signs = content, by = 'maintainer' } = {}) {
    rmSync(site, { recursive: true, force: true });
    mkdirSync(site);
    const tar = join(site, `${NAME}.tar`);
    writeFileSync(tar, signs);
    gpg(by, '--detach-sign', '--output', join(site, `${NAME}.tar.sign`), tar);
    writeFileSync(tar, content);
    execFileSync('xz', [tar]);
    writeFileSync(join(site, 'sha256sums.asc'), `${sum(join(site, `${NAME}.tar.xz`))}  ${NAME}.tar.xz\n`);
  }
  beforeEach(() => {
    work = mkdtempSync(join(scratch, 'work-'));
  });
  const source = (from = {}, tools = has) =>
    upstreamSource(work, { onProgress: () => {}, has: tools }, { version: '1.2.3', folder, keys, ...from });
  const refused = async (pattern: RegExp, code = 'MISSING_KERNEL') => {
    const error = (await source().then(
      () => undefined,
      (failure: unknown) => failure,
    )) as LabError | undefined;
    expect({ code: error?.code, message: error?.message }).toEqual({ code, message: expect.stringMatching(pattern) });
    // Nothing stays there that a later build could take.
    expect(readdirSync(work)).toEqual([]);
  };

  it('is taken when a maintainer signed it, and checked again when it is there already', async () => {
    publish('source');
    const file = await source();
    expect(sum(file)).toBe(sum(join(site, `${NAME}.tar.xz`)));
    expect(await source()).toBe(file);
    expect(readdirSync(work)).toEqual([`${NAME}.tar.xz`]);
  });

  it('is refused when its sum is another one', async () => {
    publish('source');
    writeFileSync(join(site, 'sha256sums.asc'), `${'0'.repeat(64)}  ${NAME}.tar.xz\n`);
    await refused(/not what was published.*sum/);
  });

  it('is refused when no sum is published', async () => {
    publish('source');
    writeFileSync(join(site, 'sha256sums.asc'), '');
    await refused(/publishes no sum/);
  });

  it('is refused when archive and sums were changed together: only the signature shows it', async () => {
    publish('a changed source', { signs: 'source' });
    await refused(/not signed by a maintainer[\s\S]*BAD signature/);
  });

  it('is refused when somebody else signed it', async () => {
    publish('source', { by: 'stranger' });
    await refused(/not signed by a maintainer[\s\S]*No public key/);
  });

  it('is refused when it has no signature', async () => {
    publish('source');
    rmSync(join(site, `${NAME}.tar.sign`));
    await expect(source()).rejects.toThrow(/cannot fetch .*\.tar\.sign: HTTP 404/);
    writeFileSync(join(site, `${NAME}.tar.sign`), '');
    await refused(/not signed by a maintainer/);
  });

  it('is refused when what was kept from an earlier time is not what was signed', async () => {
    publish('source');
    const file = await source();
    writeFileSync(file, 'something else');
    // It is fetched again, and right.
    expect(sum(await source())).toBe(sum(join(site, `${NAME}.tar.xz`)));
  });

  it('is not even fetched without gpgv', async () => {
    publish('source');
    await expect(source({}, (program) => program !== 'gpgv')).rejects.toMatchObject({
      code: 'MISSING_TOOL',
      todo: expect.stringContaining('gpgv'),
    });
    expect(readdirSync(work)).toEqual([]);
  });

  it('is refused by the keys that are shipped when a key made here signed it', async () => {
    publish('source');
    await expect(source({ keys: UPSTREAM.keys })).rejects.toThrow(/No public key/);
  });

  it('is checked with the keys of the two maintainers of stable releases', () => {
    const ring = join(scratch, 'shipped.gpg');
    writeFileSync(ring, dearmored(readFileSync(UPSTREAM.keys, 'utf8')));
    const shown = gpg('maintainer', '--with-colons', '--show-keys', ring).toString();
    expect([...shown.matchAll(/^pub.*\n(?:.*\n)*?fpr:+([0-9A-F]+):/gm)].map(([, print]) => print)).toEqual([
      '647F28654894E3BD457199BE38DBBDC86092693E',
      'E27E5D8A3403A2EF66873BBCDEA66FF797772CDC',
    ]);
  });
});
