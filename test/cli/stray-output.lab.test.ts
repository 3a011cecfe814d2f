// Whatever a package prints on the standard output of one of the lab's programs is not the lab's protocol.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../helpers/cli.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-stray-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

/** Every Node.js program prints these before anything else. */
const LINES = ['a package says hello', '{ not JSON', '{"event":"from nowhere"}', 'null', '[1]'];
const printing = `import { isMainThread } from 'node:worker_threads';
if (isMainThread && !process.argv[1]?.includes('/src/cli/')) console.log(${JSON.stringify(LINES.join('\n'))});`;
const NODE_OPTIONS = `--import=data:text/javascript;base64,${Buffer.from(printing).toString('base64')}`;

describe('a package that prints to standard output', () => {
  it('does not disturb a scenario', async () => {
    const { code, stderr } = await run(['reset', '--runs', runs], [], { NODE_OPTIONS });
    expect([code, stderr.match(/SyntaxError|^\s+at /m)]).toEqual([0, null]);
  });
});
