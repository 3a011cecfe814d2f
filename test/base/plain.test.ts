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
import { appendPlain, isPlainName, plainFolder, readPlain, refuseLinks, writePlain } from '../../src/base/plain.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-plain-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folder: string;
let outside: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'given-'));
  outside = join(mkdtempSync(join(scratch, 'outside-')), 'mine');
  writeFileSync(outside, 'mine');
});

const refusal = (path: string, is: string) =>
  expect.objectContaining({
    code: 'BAD_EVIDENCE',
    message: `${JSON.stringify(path)} is ${is}: nothing is written through it`,
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
  expect([readPlain(file), readPlain(join(folder, 'new'))]).toEqual(['ab', 'c']);
  expect(readdirSync(folder).sort()).toEqual(['new', 'trials.ndjson']);
});

it('readPlain refuses a link and a pipe', () => {
  symlinkSync(outside, join(folder, 'link'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  expect(() => readPlain(join(folder, 'link'))).toThrow(refusal(join(folder, 'link'), 'a symbolic link'));
  expect(() => readPlain(join(folder, 'pipe'))).toThrow(/neither a file nor a folder/);
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
