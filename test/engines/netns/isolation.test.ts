import { chownSync } from 'node:fs';
import { delimiter } from 'node:path';
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
      wrap,
      env,
    );
    expect(code, stderr).toBe(2);
    targets.expectAllRefused(JSON.parse(stdout).problem.message);
  };

  it('is refused everything', () => hostile([]));

  it('is refused everything where an ordinary user plays', async () => {
    const root = process.getuid?.() === 0;
    if (root) chownSync(targets.runs, NOBODY, NOBODY);
    await hostile(
      root ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'] : [],
    );
  });
});
