// What reaches a terminal beside reports: errors, and what the lab tells while it plays.
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { complain } from '../../src/cli/command.ts';
import { Progress } from '../../src/cli/progress.ts';
import { SweepProgress } from '../../src/cli/sweep-progress.ts';
import type { ActRecord } from '../../src/stage/record.ts';

const EVIL = 'a\u001b]0;title\u0007\u001b[2J\r\u009b1mb\u202e\n::error::c\n##[error]d';
const SHOWN = 'a␛]0;title␇␛[2J␍�1mb�';
/** Everything that acts on a terminal; tabs and newlines do not. */
const ACTING = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

function stream() {
  let text = '';
  const sink = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { sink: sink as unknown as NodeJS.WriteStream, text: () => text };
}

describe('an error', () => {
  afterEach(() => vi.restoreAllMocks());
  const told = (error: unknown, where?: string) => {
    let text = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    complain(error, where);
    return text;
  };

  it.each([
    ['of the lab', new LabError('SERVICE_DIED', EVIL, EVIL)],
    ['that nobody expected', new Error(EVIL)],
    ['that is no error', EVIL],
  ])('%s does nothing to a terminal or a job, and can be read', (_, error) => {
    const text = told(error, EVIL);
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(ACTING);
    expect(text).not.toMatch(/^\s*::|##\[/m);
  });
});

describe('progress', () => {
  it('of a scenario shows what steps say, and does not do it', () => {
    const { sink, text } = stream();
    const progress = new Progress(sink, { realTime: true, waits: undefined, sideBySide: true });
    progress.tell({ type: 'preparing', text: EVIL });
    progress.tell({ type: 'act', act: EVIL, title: EVIL }, EVIL);
    progress.tell({ type: 'step', act: EVIL, text: EVIL }, EVIL);
    progress.tell({ type: 'played', act: { name: EVIL, steps: [] } as unknown as ActRecord }, EVIL);
    progress.stop();
    expect(text().split(SHOWN).length).toBeGreaterThan(5);
    expect(text()).not.toMatch(ACTING);
    expect(text()).not.toMatch(/^\s*::|##\[/m);
  });

  it('of a sweep begins with what moves, though trials that run side by side end together', () => {
    const { sink, text } = stream();
    const progress = new SweepProgress(sink);
    for (const passed of [0, 0.25, 0.5]) progress.told('all', 7, 75, passed);
    progress.told('all', 75, 75, 1);
    progress.stop();
    expect(text().match(/^ {2}\d+ %/gm)).toEqual(['  9 %', '  25 %', '  50 %', '  100 %']);
    expect(text()).toContain('7 of 75 trials have ended\n');
  });

  it('of a sweep does neither', () => {
    const { sink, text } = stream();
    const progress = new SweepProgress(sink);
    progress.told(EVIL, 1, 2, 0.5);
    progress.stop();
    expect(text()).toContain(SHOWN);
    expect(text()).not.toMatch(ACTING);
    expect(text()).not.toMatch(/^\s*::|##\[/m);
  });
});
