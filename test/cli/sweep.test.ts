import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { SweepResult } from '../../src/sweep/result.ts';
import { type Started, start } from '../helpers/cli.ts';

const CLI = join(packageRoot, 'src/cli/sweep.ts');
const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-sweep-cli-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
const newRuns = () => join(scratch, `runs-${++count}`);
const sweep = (args: readonly string[], runs = newRuns()): Started & { runs: string } => ({
  ...start([...args, '--runs', runs], [], {}, CLI),
  runs,
});

/** Seconds that stand for a night; each of these cells ends the same way every time. */
const SMALL = [
  ...['--middlebox', 'l4-drop,haproxy'],
  ...['--list', 'keepIdle', 'off,1s,5s', '--list', 'keepInterval', '1s', '--list', 'timeout', '3s'],
  ...['--quiet', '7s', '--repeat', '1', '--reporter', 'json'],
];

const folderOf = (runs: string): string => {
  const [start] = readdirSync(join(runs, 'sweep'));
  return join(runs, 'sweep', start as string);
};

/** What happened to each cell, and what is recommended. */
const outcomes = ({ cells, recommendations, trials, verdict }: SweepResult) => ({
  verdict,
  trials,
  cells: cells.map(({ id, measured }) => [
    id,
    measured?.survives,
    measured?.firstRequest,
    measured?.lost,
    measured?.outage,
  ]),
  recommended: recommendations.map(({ cell, verdict: found }) => [cell, found]),
});

describe('a sweep in real time', () => {
  it('killed in the middle and gone on with ends as one that was left alone; nothing of it is left meanwhile', async () => {
    const alone = sweep(SMALL);
    const killed = sweep(SMALL);
    const trials = () => {
      const folder = existsSync(join(killed.runs, 'sweep')) ? folderOf(killed.runs) : undefined;
      const file = folder && join(folder, 'trials.ndjson');
      return file && existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
    };
    // One that ends early has said why: the exit codes below show it.
    while (trials() < 5 && killed.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
    killed.child.kill('SIGKILL');
    await killed.ended;
    const folder = folderOf(killed.runs);
    const kept = trials();
    expect(existsSync(join(folder, 'result.json'))).toBe(false);
    // The lab ends with whoever started it.
    for (let wait = 0; wait < 100 && readdirSync(folder).some((name) => name.startsWith('.load-')); wait++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(readdirSync(folder).filter((name) => name.startsWith('.load-'))).toEqual([]);

    const again = start(['--resume', folder, '--reporter', 'json'], [], {}, CLI);
    const [whole, resumed] = await Promise.all([alone.ended, again.ended]);
    expect([whole.code, resumed.code, resumed.stderr.match(/: [A-Z_]+:/)]).toEqual([0, 0, null]);
    const result = JSON.parse(resumed.stdout) as SweepResult;
    expect(outcomes(result)).toEqual(outcomes(JSON.parse(whole.stdout) as SweepResult));
    const keys = readFileSync(join(folder, 'trials.ndjson'), 'utf8').trim().split('\n');
    expect(keys.length).toBeGreaterThan(kept);
    for (const file of ['report.html', 'report.md', 'cells.csv', 'junit.xml', 'result.json'])
      expect([file, existsSync(join(folder, file))]).toEqual([file, true]);
  });

  it('Ctrl-C keeps what there is, and says how to go on: exit 130', async () => {
    const one = sweep([...SMALL, '--repeat', '2']);
    while (!/\b[1-9]\d? %/.test(one.stderr()) && one.child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 50));
    one.child.kill('SIGINT');
    const { code, stderr } = await one.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/trials are kept; continue: npm run sweep -- --resume /);
  });
});

describe('what cannot be swept', () => {
  it.each([
    [['--middlebox', 'aws-nlp'], 4, /there is no middlebox "aws-nlp"; did you mean "aws-nlb"/],
    [['aws-nlp'], 4, /there is no sweep "aws-nlp"; did you mean "aws-nlb"/],
    [['--list', 'keepIdle', '1s'], 4, /no middlebox given/],
    [['--middlebox', 'aws-nlb', '--scan', 'keepIdel', '1s..3s/1s'], 4, /did you mean "keepIdle"/],
    [['--middlebox', 'aws-nlb', '--scan', 'keepIdle'], 4, /a setting and its values/],
    [['--middlebox', 'aws-nlb', '--list', 'keepInterval', '1s'], 4, /keepInterval without keepIdle does nothing/],
    [['--middlebox', 'aws-nlb', '--list', 'keepIdle', '40000s'], 4, /keepIdle cannot be 40000s\n.*from 0s to 32767s/],
    [['--middlebox', 'aws-nlb', '--list', 'keepIdle', '1.5s'], 4, /keepIdle cannot be 1\.5s\n.*whole seconds/],
    [['--middlebox', 'ipvs-sloppy', '--quiet', '20s'], 4, /cannot be swept/],
    [['--middlebox', 'aws-nlb', '--quiet', '8h'], 4, /takes as long as it says/],
    [['--middlebox', 'aws-nlb', '--shard', '5/4'], 4, /a part, as in 1\/4/],
    [['--resume'], 4, /there is no interrupted sweep/],
    [['merge'], 4, /no parts given/],
    [['aws-nlb', 'proxies'], 4, /one sweep at a time/],
    [['--middlebox', 'aws-nlb', '--list', 'toString', '1s'], 4, /there is no setting "toString"/],
    [['--middlebox', 'aws-nlb', '--list', 'timeout', '99999999999h'], 4, /timeout cannot be 99999999999h/],
    [['--middlebox', 'aws-nlb', '--list', 'timeout', '1500ms'], 4, /aws-nlb cannot have an idle timeout of 1\.5s/],
    [['--middlebox', 'aws-nlb,aws-nlb'], 4, /aws-nlb is named twice/],
    [['--middlebox', 'aws-nlb', '--quiet', '99999h'], 4, /BAD_OPTION: .*from 1ms to 2147483s/],
    [['--middlebox', 'aws-nlb', '--quiet', '0s'], 4, /BAD_OPTION: .*from 1ms to 2147483s/],
    [['--middlebox', 'aws-nlb', '--repeat', '101'], 4, /BAD_OPTION: .*from 1 to 100/],
    [['--middlebox', 'aws-nlb', '--survive-lost', '4'], 4, /BAD_OPTION: .*from 0 to 3/],
    [['--middlebox', 'aws-nlb', '--survive-outage', '25h'], 4, /BAD_OPTION: .*from 0s to 24h/],
    [['--middlebox', 'aws-nlb', '--jobs', 'NaN'], 4, /BAD_OPTION: .*from 1 to 1024/],
    [['--middlebox', 'aws-nlb', '--engine', 'nowhere'], 4, /BAD_OPTION: .*Allowed choices are/],
    [
      ['--middlebox', 'aws-nlb', '--scan', 'keepIdle', '1s..9000s/1s', '--scan', 'keepInterval', '1s..9000s/1s'],
      4,
      /the sweep has 81000000 cells\n.*at most 100000/,
    ],
    [
      [
        ...['--middlebox', 'aws-nlb', '--measure', 'all'],
        ...['--scan', 'keepIdle', '1s..900s/1s', '--scan', 'keepInterval', '1s..100s/1s'],
      ],
      4,
      /the sweep has \d{7} trials\n.*at most 1000000/,
    ],
  ])('%j: exit %i, and why', async (args, code, message) => {
    const ended = await sweep(args).ended;
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).toMatch(/what to do: |error: /);
  });

  it('a bad file: line and column', async () => {
    const file = join(scratch, 'bad.yaml');
    writeFileSync(file, 'title: bad\nmiddlebox: aws-nlb\nscan:\n  keepIdle: 30s-60s\n');
    const { code, stderr } = await sweep([file]).ended;
    expect(code).toBe(4);
    expect(stderr).toMatch(/bad\.yaml:4:/);
  });
});

describe('without a word', () => {
  it('the shipped sweeps are listed', async () => {
    const { code, stdout } = await sweep([]).ended;
    expect(code).toBe(0);
    for (const name of ['aws-nlb', 'cloud', 'proxies']) expect(stdout).toContain(name);
  });
});
