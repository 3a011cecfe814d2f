import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { PACES } from '../../src/base/pace.ts';
import { packageRoot } from '../../src/base/root.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { planScenario } from '../../src/plan/make-plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');

it.each(PACES)('the scenario that the README prints can be planned at the %s pace', async (pace) => {
  const [, text] = /```yaml\n(title:[\s\S]*?)```/.exec(readme) ?? [];
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, text ?? '');
  const [act] = (await planScenario(file, pace, KNOWN)).acts;
  expect(act?.paths).toHaveLength(2);
});

it('the README tells of every shipped scenario', () => {
  const told = [...readme.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
  expect(told.sort()).toEqual(SCENARIOS.names());
});
