import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../helpers/cli.ts';
import { Targets } from '../isolation.ts';

const NOBODY = 65_534;

describe('a hostile program on a host of network namespaces', () => {
  let targets: Targets;
  beforeEach(async () => {
    targets = await new Targets().open();
  });
  afterEach(() => targets.close());

  const hostile = async (wrap: readonly string[]) => {
    const env = {
      PATH: `${targets.asServer()}${delimiter}${process.env.PATH}`,
      HOME: targets.runs,
      IDLELAB_TEST_SECRET: 'not for the lab',
    };
    const { code, stdout, stderr } = await run(
      [targets.scenario, '--reporter', 'json', '--runs', targets.runs],
      [...targets.careless, ...wrap],
      env,
    );
    expect(code, stderr).toBe(2);
    targets.expectAllRefused(JSON.parse(stdout).problem.message);
  };

  it('does what it tries where it is not on such a host', () => targets.expectControlToWork());

  it('leaves redis-cli, which asks a server for its ledger, without any right', async () => {
    const bin = join(targets.scratch, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'redis-cli'), '#!/bin/sh\ngrep CapEff /proc/self/status >&2\nexit 1\n', { mode: 0o755 });
    const { stdout, stderr } = await run([targets.scenario, '--reporter', 'json', '--runs', targets.runs], [], {
      PATH: `${bin}${delimiter}${process.env.PATH}`,
    });
    expect(stdout + stderr).toMatch(/CapEff:(\\t|\s)0+\b/);
  });

  it('is refused everything', () => hostile([]));

  it('is refused everything where an ordinary user plays', async () => {
    const root = process.getuid?.() === 0;
    if (root) chownSync(targets.runs, NOBODY, NOBODY);
    await hostile(
      root ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'] : [],
    );
  });
});
