import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  appendPlain,
  isPlainName,
  plainFolder,
  readPlain,
  readPlainBytes,
  refuseLinks,
  writePlain,
} from '../../src/base/plain.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-plain-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folder: string;
let outside: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'given-'));
  outside = join(mkdtempSync(join(scratch, 'outside-')), 'mine');
  writeFileSync(outside, 'mine');
});

const refusal = (path: string, is: string, so = 'nothing is written through it') =>
  expect.objectContaining({
    code: 'BAD_EVIDENCE',
    message: `${JSON.stringify(path)} is ${is}: ${so}`,
  });

describe.each([
  ['writePlain', writePlain],
  ['appendPlain', appendPlain],
])('%s', (_, write) => {
  it('refuses a link, to a file and to nothing, with its path', () => {
    const link = join(folder, 'result.json');
    symlinkSync(outside, link);
    expect(() => write(link, 'x')).toThrow(refusal(link, 'a symbolic link'));
    expect(readFileSync(outside, 'utf8')).toBe('mine');
    const dangling = join(folder, 'report.html');
    symlinkSync(`${outside}-new`, dangling);
    expect(() => write(dangling, 'x')).toThrow(refusal(dangling, 'a symbolic link'));
    expect(existsSync(`${outside}-new`)).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(['report.html', 'result.json']);
  });

  it('refuses what is no file, and does not wait for its other end', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => write(pipe, 'x')).toThrow();
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(folder)).toEqual(['pipe']);
  });
});

it('writePlain leaves another name of a file as it is', () => {
  const file = join(folder, 'result.json');
  execFileSync('ln', [outside, file]);
  writePlain(file, 'new');
  expect([readFileSync(file, 'utf8'), readFileSync(outside, 'utf8')]).toEqual(['new', 'mine']);
});

it('writePlain and appendPlain write', () => {
  const file = join(folder, 'trials.ndjson');
  writePlain(file, 'a');
  appendPlain(file, 'b');
  appendPlain(join(folder, 'new'), 'c');
  expect([readPlain(file, 2), readPlain(join(folder, 'new'), 2)]).toEqual(['ab', 'c']);
  expect(readdirSync(folder).sort()).toEqual(['new', 'trials.ndjson']);
});

describe.each([
  ['readPlain', readPlain],
  ['readPlainBytes', readPlainBytes],
])('%s', (_, read) => {
  it.each([
    ['a symbolic link', (path: string) => symlinkSync(outside, path)],
    ['a symbolic link', (path: string) => symlinkSync('/dev/zero', path)],
    ['neither a file nor a folder', (path: string) => execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdirSync(path)],
  ])('refuses %s, and does not wait for its other end', (is, make) => {
    const path = join(folder, 'it');
    make(path);
    expect(() => read(path, 100)).toThrow(refusal(path, is, 'it is not read'));
  });

  it('refuses more bytes than asked for, whatever the file says of its size', () => {
    const path = join(folder, 'large');
    writeFileSync(path, '12345');
    expect(String(read(path, 5))).toBe('12345');
    expect(() => read(path, 4)).toThrow(`${JSON.stringify(path)} has more than 4 bytes: it is not read`);
    // A file of /proc says that it has none.
    expect(String(read('/proc/self/status', 100_000))).toMatch(/^Name:/);
    expect(() => read('/proc/self/status', 20)).toThrow('has more than 20 bytes');
  });
});

it('plainFolder takes a folder that is there, and refuses a link to one', () => {
  expect(plainFolder(folder, 'reset')).toBe(plainFolder(folder, 'reset'));
  symlinkSync(scratch, join(folder, 'night'));
  expect(() => plainFolder(folder, 'night')).toThrow(refusal(join(folder, 'night'), 'a symbolic link'));
});

it('refuseLinks finds a link however deep', () => {
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/b/c'), '');
  refuseLinks(folder);
  symlinkSync('/etc', join(folder, 'a/b/d'));
  expect(() => refuseLinks(folder)).toThrow(refusal(join(folder, 'a/b/d'), 'a symbolic link'));
});

it.each(['my-night', 'a', '2', 'A_b.c-1', 'a..b'])('%j can be a name', (name) => expect(isPlainName(name)).toBe(true));
it.each(['', '.', '..', '-x', '.x', 'a/b', '../a', 'a b', 'a"b', "a'b", 'a\nb', 'a\n', 'ü', 'a\0', 'x'.repeat(101)])(
  '%j cannot be a name',
  (name) => expect(isPlainName(name)).toBe(false),
);
