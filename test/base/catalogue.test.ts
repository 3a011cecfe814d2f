import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CLIENTS } from '../../services/client/catalogue.ts';
import { ModuleCatalogue } from '../../src/base/catalogue.ts';
import { LabError } from '../../src/base/errors.ts';
import { codeRoot, moduleExtension } from '../../src/base/root.ts';
import { CHECKS } from '../../src/judge/catalogue.ts';
import { MIDDLEBOXES } from '../../src/plan/catalogue.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-catalogue-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, `payload${moduleExtension}`), 'globalThis.ranPayload = true;\n');

const folder = join(scratch, 'things');
mkdirSync(folder);
writeFileSync(join(folder, `one${moduleExtension}`), 'export default 1;\n');
const things = new ModuleCatalogue<{ default: number }>('a thing', relative(codeRoot, folder));

const codeOf = (error: unknown) => (error instanceof LabError ? error.code : `${error}`);

describe('a catalogue', () => {
  it('loads what it lists', async () => {
    expect(things.names()).toEqual(['one']);
    expect((await things.load('one')).default).toBe(1);
  });

  it.each([
    '../payload',
    './one',
    'sub/one',
    join(scratch, 'payload'),
    '__proto__',
    'constructor',
    '',
    '.',
    'one\0',
    `one${moduleExtension}`,
    'two',
  ])('loads nothing for %j', async (name) => {
    expect(await things.load(name).catch(codeOf)).toBe('UNKNOWN_NAME');
    expect(() => things.path(name)).toThrow(LabError);
    expect('ranPayload' in globalThis).toBe(false);
  });

  it.each([
    ['a check', CHECKS],
    ['a client library', CLIENTS],
    ['a middlebox', MIDDLEBOXES],
  ])('says what is there instead of %s', (kind, catalogue) => {
    const [first] = catalogue.names() as [string];
    expect(() => catalogue.path('../../etc')).toThrow(`"../../etc" is not ${kind}`);
    expect(catalogue.path(first)).toContain(first);
  });

  it('shows no control characters of a name, and not all of a long one', () => {
    expect(() => things.path(`\x1b[2J${'x'.repeat(1e5)}`)).toThrow(/^"\\u001b\[2Jx{1,60}…" is not a thing$/);
  });
});
