import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { start } from '../helpers/cli.ts';

const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const COMMANDS = Object.entries(scripts).flatMap(([name, script]) => {
  const [, file] = /(src\/cli\/\S+\.ts)$/.exec(script) ?? [];
  return file === undefined ? [] : [[name, file] as const];
});

describe('--help', () => {
  it('is there for every command', () => expect(COMMANDS.map(([name]) => name)).toContain('scenario'));

  it.each(COMMANDS)(
    'of %s fits a window of 80 columns, whatever is open, and does nothing else',
    async (name, file) => {
      const { code, stdout, stderr } = await start(['--help'], [], { COLUMNS: '200' }, join(packageRoot, file)).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Usage: ${name}`));
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );
});
