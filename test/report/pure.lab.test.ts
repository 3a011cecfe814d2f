// A report is a function of one result document, and a word on it is kept only by who called it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { REPORTERS } from '../../src/report/catalogue.ts';
import { SWEEP_REPORTERS } from '../../src/report/sweep/catalogue.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-pure-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Every report in a process that may read files and nothing else: no write, no process, no thread, no native code. */
const renderAll = (env: NodeJS.ProcessEnv): Record<string, string> =>
  JSON.parse(
    execFileSync(
      process.execPath,
      ['--permission', '--allow-fs-read=*', join(packageRoot, 'test/helpers/render-all.ts')],
      { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    ),
  ) as Record<string, string>;

describe('every report', () => {
  it('is made without writing anything, and is the same in any environment', () => {
    const summary = join(scratch, 'summary.md');
    const one = renderAll({});
    const names = [
      ...REPORTERS.names().map((name) => `scenario ${name}`),
      ...SWEEP_REPORTERS.names().map((name) => `sweep ${name}`),
    ];
    expect(Object.keys(one)).toEqual(
      expect.arrayContaining([...names, 'scenario github summary', 'sweep github summary']),
    );
    expect(
      renderAll({
        GITHUB_STEP_SUMMARY: summary,
        GITHUB_ACTIONS: 'true',
        CI: 'true',
        NO_COLOR: '1',
        COLUMNS: '20',
        TZ: 'Asia/Tokyo',
        LANG: 'de_DE.UTF-8',
      }),
    ).toEqual(one);
    expect(existsSync(summary)).toBe(false);
  });
});

describe('npm run report', () => {
  const report = (run: string, format: string, summary: string) =>
    execFileSync(process.execPath, ['src/cli/report.ts', run, '--reporter', format], {
      cwd: packageRoot,
      env: { ...process.env, GITHUB_STEP_SUMMARY: summary },
      encoding: 'utf8',
    });

  it('adds to the summary of a step what a format has for it', () => {
    const summary = join(scratch, 'step.md');
    report('test/fixtures/sweep', 'minimal', summary);
    expect(existsSync(summary)).toBe(false);
    report('test/fixtures/sweep', 'github', summary);
    const once = readFileSync(summary, 'utf8');
    expect(once).toContain('| middlebox | recommended |');
    report('test/fixtures/sweep', 'github', summary);
    expect(readFileSync(summary, 'utf8')).toBe(once + once);
  });
});
