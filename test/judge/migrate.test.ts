import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { parseResult } from '../../src/judge/migrate.ts';
import type { Result } from '../../src/judge/result.ts';
import { REPORTERS } from '../../src/report/catalogue.ts';

/** Results as they were written before acts had several hosts and boxes. */
const FOLDER = join(packageRoot, 'test/fixtures/results-v1');
const STORED = readdirSync(FOLDER);
const stored = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
const migrated = (file: string): Result => {
  const parsed = parseResult(stored(file));
  if (!parsed.success) throw parsed.error;
  return parsed.data;
};

describe.each(STORED)('the stored result of %s', (file) => {
  it('is read with all that it said', () => {
    const [before, after] = [stored(file), migrated(file)];
    expect(after).toMatchObject({ schemaVersion: 2, verdict: before.verdict, scenario: before.scenario });
    expect(after.middleboxes).toMatchObject([
      { host: before.middlebox.host, timers: { idleSeconds: before.middlebox.idleTimeoutSeconds } },
    ]);
    for (const [index, act] of after.acts.entries()) {
      const old = before.acts[index];
      expect(act.findings).toEqual(old.findings);
      expect(act.outcome).toMatchObject(old.outcome);
      expect(act.ladders.map(({ rows }) => rows.length)).toEqual([old.ladder.rows.length]);
      expect(act.paths).toHaveLength(1);
      expect(Object.values(act.outcome.clients)).toMatchObject([
        { requestsAfterQuiet: old.outcome.requestsAfterQuiet },
      ]);
    }
  });

  it('says nothing that was not recorded', () => {
    const old = stored(file);
    for (const [index, { outcome }] of migrated(file).acts.entries()) {
      const servers = Object.values(outcome.hosts).filter(({ role }) => role === 'server');
      const sum = old.acts[index].outcome.zombies.server;
      if (servers.length === 1 || sum === 0) expect(servers.map(({ zombies }) => zombies)).toContain(sum);
      else expect(servers.map(({ zombies }) => zombies)).toEqual(servers.map(() => null));
    }
  });

  it.each(REPORTERS.names())('renders as %s', async (format) => {
    const { default: reporter } = await REPORTERS.load(format);
    const text = reporter.render(migrated(file), { columns: 80, color: false, folder: 'runs/latest' });
    const { scenario, title } = stored(file);
    expect([scenario, title].some((word) => text.includes(word))).toBe(true);
  });
});

it('a document of no version is refused as one of this version', () => {
  expect(parseResult({}).success).toBe(false);
  expect(parseResult(null).success).toBe(false);
  expect(parseResult({ schemaVersion: 1 }).success).toBe(false);
});
