import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { appendLine, LineFollower } from '../../src/talk/line-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-line-file-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function followed(name: string) {
  const file = join(scratch, name);
  writeFileSync(file, '');
  const lines: string[] = [];
  return { file, lines, follower: new LineFollower(file, (line) => lines.push(line)) };
}

describe('a file that is followed', () => {
  it('delivers every line once, in order, however the bytes were cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '))),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (sent, cuts) => {
          const { file, lines, follower } = followed('cut');
          using _ = follower;
          let rest = Buffer.from(sent.map((line) => `${line}\n`).join(''));
          for (let turn = 0; rest.length > 0; turn++) {
            const bytes = cuts[turn % cuts.length] as number;
            appendFileSync(file, rest.subarray(0, bytes));
            rest = rest.subarray(bytes);
            follower.read();
          }
          expect(lines).toEqual(sent);
        },
      ),
      { numRuns: 30 },
    );
  });
  it('delivers lines longer than one read', () => {
    const { file, lines, follower } = followed('long');
    using _ = follower;
    const long = 'é'.repeat(200_000);
    appendLine(file, long);
    appendLine(file, 'short');
    expect(follower.read()).toBe(2);
    expect(lines).toEqual([long, 'short']);
  });
  it('keeps a line back until it is whole, and says how many came', () => {
    const { file, lines, follower } = followed('part');
    using _ = follower;
    appendFileSync(file, 'one\ntw');
    expect([follower.read(), lines]).toEqual([1, ['one']]);
    appendFileSync(file, 'o\n');
    expect([follower.read(), lines]).toEqual([1, ['one', 'two']]);
  });
  it('is looked at again and again without being asked', async () => {
    const { file, lines, follower } = followed('poll');
    using _ = follower;
    appendLine(file, 'here');
    await expect.poll(() => lines).toEqual(['here']);
  });
  it('delivers nothing after it was disposed of, even from within a line', () => {
    const { file, lines, follower } = followed('disposed');
    appendLine(file, 'one');
    follower[Symbol.dispose]();
    follower[Symbol.dispose]();
    expect([follower.read(), lines]).toEqual([0, []]);
  });
});
