import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../helpers/cli.ts';
import { kernelsBuilt } from '../../helpers/kernels.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-paths-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const scenario = join(scratch, 'short.yaml');
writeFileSync(
  scenario,
  `# As short as can be.
title: Short
hosts:
  pool: { client: ioredis, connections: 2 }
  balancer: { middlebox: l4-reset, idleTimeout: 350s }
  mq: { broker: redis, count: 2 }
timeline:
  - pool: connect
  - pool: request
  - quiet: 10s
acts:
  one: { expect: [ { zombies: { at: mq, exactly: 0 } } ] }
`,
);
const play = (runs: string) => run([scenario, '--engine', 'virtual', '--reporter', 'minimal', '--runs', runs]);

describe.runIf(kernelsBuilt)('a runs folder of the virtual engine', () => {
  it('may have a name with spaces, single quotes, and signs that a shell would read', async () => {
    const runs = join(scratch, " it's a=b;c$d#é ");
    const { code, stdout, stderr } = await play(runs);
    expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
    const [start] = readdirSync(join(runs, 'short'));
    expect(readdirSync(join(runs, 'short', start as string))).toContain('result.json');
  });

  it.each([
    ['a quotation mark', 'a" init=/bin/true "', 'holds "\\""'],
    ['a backslash', 'a\\b', 'holds "\\\\"'],
    ['a line end', 'a\nb', 'holds "\\n"'],
    ['a comma', 'a,ro', 'holds a comma'],
  ])('with %s in its name is refused: exit 4, nothing is left', async (_, name, says) => {
    const runs = join(scratch, name);
    const { code, stderr } = await play(runs);
    expect(stderr).toMatch(/^BAD_OPTION: the runs folder cannot be/m);
    expect(stderr).toContain(says);
    expect(code).toBe(4);
    expect(existsSync(join(runs, 'short')) ? readdirSync(join(runs, 'short')) : []).toEqual([]);
  });
});
