import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { start } from '../helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-names-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const NAMES = [
  '...yaml',
  '..yaml.yaml',
  '-x.yaml',
  'a"b.yaml',
  "a'b.yaml",
  'a b.yaml',
  'a\nb.yaml',
  'latest.yaml',
  '$(id).yaml',
];
const shipped = (file: string) => readFileSync(join(packageRoot, 'lab', file), 'utf8');

describe.each([
  ['scenario', shipped('scenarios/reset.yaml')],
  ['sweep', shipped('sweeps/aws-nlb.yaml')],
])('a %s whose file’s name cannot be the name of a folder', (command, text) => {
  it.each(NAMES)('%j is refused: exit 4, and nothing is written', async (name) => {
    const file = join(scratch, name);
    writeFileSync(file, text);
    const runs = join(scratch, `runs-${command}`);
    mkdirSync(runs, { recursive: true });
    const cli = join(packageRoot, `src/cli/${command}.ts`);
    const { code, stderr } = await start([file, '--runs', runs], [], {}, cli).ended;
    expect(stderr).toContain(`BAD_FILE: ${JSON.stringify(name)} cannot give a run its name`);
    expect(stderr).toMatch(/what to do: rename the file/);
    expect(code).toBe(4);
    rmSync(file);
    rmSync(runs, { recursive: true });
    expect(existsSync(join(scratch, 'latest'))).toBe(false);
  });
});
