import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  clearPartials,
  finish,
  heldBy,
  newFolder,
  partialFolder,
  pointLatest,
  tryLock,
} from '../../src/base/folder.ts';
import { type Owner, owner } from '../../src/base/owner.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-folder-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'one-'));
});

const deadPid = (): number => spawnSync('true').pid;
const leftBy = (change: Partial<Owner>): string => JSON.stringify({ ...owner(), ...change });
const locked = (taken: ReturnType<typeof tryLock>) => 'release' in taken;

describe('a lock', () => {
  const lock = () => join(folder, 'lock');

  it('is held by one at a time, and free when released', () => {
    const first = tryLock(lock());
    expect(locked(first)).toBe(true);
    const second = tryLock(lock());
    expect(second).toMatchObject({ file: lock(), by: { pid: process.pid }, life: { state: 'alive' } });
    if ('release' in first) first.release();
    expect(readdirSync(folder)).toEqual([]);
    expect(locked(tryLock(lock()))).toBe(true);
  });

  it.each([
    ['whose process has ended', { pid: deadPid() }],
    ['whose process number another process has by now', { start: '1' }],
  ])('of an owner %s is taken over, and nothing is left of the claim', (_, change) => {
    writeFileSync(lock(), leftBy(change));
    expect(locked(tryLock(lock()))).toBe(true);
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid, start: owner().start });
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it.each([
    ['of another host', leftBy({ host: 'elsewhere', pid: deadPid() }), /process \d+ on elsewhere.*another host/],
    ['of another process namespace', leftBy({ pidNamespace: 'pid:[1]', pid: 1 }), /another process namespace/],
    ['of a version that wrote a bare number', String(deadPid()), /an unknown process.*no record/],
    ['whose text was never written', '', /no record/],
  ])('%s is never taken over: who has it, and what to do', (_, text, who) => {
    writeFileSync(lock(), text);
    const taken = tryLock(lock());
    if ('release' in taken) throw new Error('it was taken over');
    expect(heldBy(taken).who).toMatch(who);
    expect(heldBy(taken).todo).toBe(`if it has ended, remove ${lock()} and try again`);
    expect(readFileSync(lock(), 'utf8')).toBe(text);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('that is a link is neither followed nor taken', () => {
    const outside = join(folder, 'outside');
    writeFileSync(outside, leftBy({ pid: deadPid() }));
    symlinkSync(outside, lock());
    expect(locked(tryLock(lock()))).toBe(false);
    expect(readFileSync(outside, 'utf8')).toBe(leftBy({ pid: JSON.parse(readFileSync(outside, 'utf8')).pid }));
  });

  it('whose taker ended while taking it over is taken over all the same', () => {
    const gone = leftBy({ pid: deadPid() });
    writeFileSync(lock(), gone);
    // Another taker's claim on it, as it lies there when that was killed before it could rename.
    const first = tryLock(lock());
    if (!('release' in first)) throw new Error('not taken');
    writeFileSync(lock(), gone);
    for (const name of claimsLeft(gone)) writeFileSync(join(folder, name), leftBy({ start: '1' }));
    expect(readdirSync(folder).length).toBe(2);
    expect(locked(tryLock(lock()))).toBe(true);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('is not released by one who does not have it any more', () => {
    const first = tryLock(lock());
    writeFileSync(lock(), leftBy({ host: 'elsewhere' }));
    if ('release' in first) first.release();
    expect(existsSync(lock())).toBe(true);
  });

  // Children that all stand ready, begin at one byte, and try for the same locks in the same order; each keeps what it gets
  // until all have tried.
  it.each(['free', 'gone'])(
    'that is %s is had by exactly one of 6 processes that try at once, 60 times',
    async (state) => {
      const files = Array.from({ length: 60 }, (_, index) => join(folder, `lock-${index}`));
      const gone = deadPid();
      if (state === 'gone') for (const file of files) writeFileSync(file, leftBy({ pid: gone, start: file }));
      const code = `
      import { readSync } from 'node:fs';
      import { tryLock } from ${JSON.stringify(join(import.meta.dirname, '../../src/base/folder.ts'))};
      process.stdout.write('r');
      readSync(0, Buffer.alloc(1));
      const got = process.argv.slice(1).map((file) => ('release' in tryLock(file) ? 'y' : 'n'));
      process.stdout.write(got.join(''));
      // Until the end of the input: an owner that has ended is no owner.
      process.stdin.resume();`;
      const said = Array.from({ length: 6 }, () => '');
      let look = () => {};
      const children = said.map((_, index) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', code, ...files], {
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        child.stdout.on('data', (text) => {
          said[index] += String(text);
          look();
        });
        return child;
      });
      const all = (length: number) =>
        new Promise<void>((resolve, reject) => {
          look = () => said.every((text) => text.length >= length) && resolve();
          for (const child of children)
            child.once('exit', (status) => reject(new Error(`a child ended with ${status}`)));
          look();
        });
      await all(1);
      const answered = all(1 + files.length);
      for (const child of children) child.stdin.write('.');
      await answered;
      for (const child of children) child.stdin.end();
      const owners = files.map((_, lock) => said.filter((text) => text[1 + lock] === 'y').length);
      expect(owners).toEqual(files.map(() => 1));
      expect(readdirSync(folder).sort()).toEqual(files.map((file) => basename(file)).sort());
    },
  );
});

/** Names of the claims on a holding. */
function claimsLeft(text: string): string[] {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return [`lock.after-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`];
}

describe('an unfinished folder', () => {
  const left = (text: string | undefined): string => {
    const partial = partialFolder(folder, 'night');
    writeFileSync(join(partial, 'events.ndjson'), '');
    if (text === undefined) rmSync(join(partial, '.owner'));
    else writeFileSync(join(partial, '.owner'), text);
    return partial;
  };

  it('of a process that runs is left alone, without a word', () => {
    const partial = partialFolder(folder, 'night');
    expect(clearPartials(folder)).toEqual([]);
    expect(existsSync(partial)).toBe(true);
  });

  it.each([
    ['whose process has ended', leftBy({ pid: deadPid() })],
    ['whose process number another process has by now', leftBy({ start: '1' })],
  ])('%s is taken away, without a word', (_, text) => {
    const partial = left(text);
    expect(clearPartials(folder)).toEqual([]);
    expect(existsSync(partial)).toBe(false);
  });

  it.each([
    ['of another host', leftBy({ host: 'elsewhere', pid: deadPid() }), /by process \d+ on elsewhere, .*another host/],
    ['of another process namespace', leftBy({ pidNamespace: 'pid:[1]', pid: deadPid() }), /another process namespace/],
    ['without a record', undefined, /by an unknown process, .*no record/],
  ])('%s is left alone, and a sentence says so', (_, text, sentence) => {
    const partial = left(text);
    const said = clearPartials(folder);
    expect(said).toEqual([expect.stringMatching(sentence)]);
    expect(said[0]).toContain(partial);
    expect(existsSync(join(partial, 'events.ndjson'))).toBe(true);
  });

  it('that is a link is not followed', () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, '.owner'), leftBy({ pid: deadPid() }));
    symlinkSync(outside, join(folder, '.partial-night'));
    clearPartials(folder);
    expect(existsSync(join(outside, '.owner'))).toBe(true);
  });

  it('comes to its place whole, without its record, under the first name that is free', () => {
    for (const expected of ['night', 'night-2', 'night-3']) {
      const partial = partialFolder(folder, 'night');
      writeFileSync(join(partial, 'result.json'), '');
      const place = finish(partial, folder, 'night');
      expect(place).toBe(join(folder, expected));
      expect(readdirSync(place)).toEqual(['result.json']);
    }
    symlinkSync('/nonexistent', join(folder, 'day'));
    expect(finish(partialFolder(folder, 'day'), folder, 'day')).toBe(join(folder, 'day-2'));
  });
});

it('new folders of one name never share one', () => {
  expect([1, 2, 3].map(() => newFolder(folder, 'a'))).toEqual(['a', 'a-2', 'a-3'].map((name) => join(folder, name)));
});

it('runs/latest is replaced, and never written through', () => {
  const outside = mkdtempSync(join(scratch, 'outside-'));
  symlinkSync(outside, join(folder, 'latest'));
  mkdirSync(join(folder, 'night'));
  writeFileSync(join(folder, 'night', 'result.json'), 'x');
  pointLatest(folder, join(folder, 'night'));
  expect(readFileSync(join(folder, 'latest', 'result.json'), 'utf8')).toBe('x');
  expect(readdirSync(outside)).toEqual([]);
});
