import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { Result } from '../../src/judge/result.ts';
import { compareResults, renderDiff, sameOutcome } from '../../src/report/diff.ts';
import { painter } from '../../src/report/text.ts';
import { start } from '../helpers/cli.ts';
import { judged } from '../helpers/fixture.ts';

const changed = async (change: (result: Result) => void): Promise<Result> => {
  const result = structuredClone(await judged('rebalance'));
  change(result);
  return result;
};
const act = (result: Result, name: string) => result.acts.find((each) => each.name === name) as Result['acts'][0];

describe('two runs', () => {
  it('that are one and the same have no difference', async () => {
    const result = await judged('rebalance');
    expect(compareResults(result, result)).toEqual([]);
  });

  it('that took another time, or were probed once more, saw the same happen', async () => {
    const a = await judged('rebalance');
    const b = await changed((result) => {
      act(result, 'broken').outcome.firstReplySeconds = 1.5;
      act(result, 'fixed').outcome.probesSent += 1;
    });
    const differences = compareResults(a, b);
    expect(differences.map(({ act: name, what, kind }) => [name, what, kind])).toEqual([
      ['broken', 'first reply after', 'time'],
      ['fixed', 'keepalive probes sent', 'time'],
    ]);
    expect(sameOutcome(differences)).toBe(true);
  });

  it('with other findings, requests or zombies did not', async () => {
    const a = await judged('rebalance');
    const b = await changed((result) => {
      const broken = act(result, 'broken');
      broken.outcome.zombies.server = 0;
      broken.findings = broken.findings.map((finding) =>
        finding.id === 'zombies' ? { ...finding, status: 'fail' } : finding,
      );
    });
    const differences = compareResults(a, b);
    expect(differences).toEqual([
      { act: 'broken', what: 'zombies at the end', a: 'client 0, server 2', b: 'client 0, server 0', kind: 'outcome' },
      { act: 'broken', what: 'finding zombies', a: 'pass', b: 'fail', kind: 'outcome' },
    ]);
    expect(sameOutcome(differences)).toBe(false);
  });

  it('on another engine did, if it did: the engine is a condition', async () => {
    const a = await judged('rebalance');
    const b = await changed((result) => {
      result.engine = 'docker';
      result.versions.docker = '29.0';
    });
    const differences = compareResults(a, b);
    expect(differences.map(({ what, kind }) => [what, kind])).toEqual([
      ['engine', 'conditions'],
      ['version of docker', 'conditions'],
    ]);
    expect(renderDiff(a, b, { columns: 80, paint: painter(false) })).toMatch(/the same outcome in both\n$/);
  });

  it('with other tunings show them as people write them', async () => {
    const a = await judged('rebalance');
    const b = await changed((result) => {
      act(result, 'fixed').tuning = {
        pool: { keepalive: { idleSeconds: 0.5, intervalSeconds: 75, probes: 9 }, heartbeatSeconds: 20 },
        mq: { keepalive: 'off' },
      };
    });
    const text = renderDiff(a, b, { columns: 100, paint: painter(false) });
    expect(text).toContain('b  pool: keepalive idle 500ms, interval 75s, probes 9; heartbeat 20s');
    expect(text).toContain('mq: keepalive off');
    expect(text).not.toMatch(/[{}"]/);
  });

  it('of which one lacks an act differ in that', async () => {
    const a = await judged('rebalance');
    const b = await changed((result) => {
      result.acts = result.acts.slice(0, 1);
    });
    expect(compareResults(a, b)).toEqual([
      { act: 'fixed', what: 'act', a: 'pass', b: '(no such act)', kind: 'outcome' },
    ]);
  });
});

describe('npm run report', () => {
  const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-report-'));
  afterAll(() => rmSync(runs, { recursive: true, force: true }));
  const report = (...args: string[]) =>
    start([...args, '--runs', runs], [], {}, join(packageRoot, 'src/cli/report.ts')).ended;
  const record = async (name: string, change: (result: Result) => void = () => {}) => {
    const folder = join(runs, 'rebalance', name);
    mkdirSync(folder, { recursive: true });
    cpSync(join(packageRoot, 'test/fixtures/rebalance'), folder, { recursive: true });
    writeFileSync(join(folder, 'result.json'), JSON.stringify(await changed(change)));
    return folder;
  };

  it('renders the newest run of a scenario, in any format', async () => {
    await record('2026-01-01');
    await record('2026-01-02', (result) => {
      result.title = 'The newer one';
    });
    const { code, stdout } = await report('rebalance', '--reporter', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ title: 'The newer one', verdict: 'pass' });
    expect((await report(join(runs, 'rebalance/2026-01-01'))).stdout).toContain('The night shift');
  });

  it('compares two: exit 0 where the same happened, 1 where not', async () => {
    const [a, b] = [
      await record('a'),
      await record('b', (result) => {
        result.verdict = 'fail';
      }),
    ];
    expect((await report('diff', a, a)).code).toBe(0);
    const { code, stdout } = await report('diff', a, b);
    expect(stdout).toMatch(/what happened\n {2}verdict\n {4}a {2}pass\n {4}b {2}fail\n\noutcomes differ\n$/);
    expect(code).toBe(1);
    expect(JSON.parse((await report('diff', a, b, '--reporter', 'json')).stdout)).toMatchObject({ same: false });
  });

  it('offers only formats that it does not refuse then', async () => {
    const a = await record('offered');
    for (const args of [[a], ['diff', a, a]]) {
      const { code, stderr } = await report(...args, '--reporter', 'nonsense');
      expect(code).toBe(4);
      const offered = (/take (.*)$/m.exec(stderr)?.[1] ?? '').split(', ');
      expect(offered.length).toBeGreaterThan(1);
      for (const format of offered) expect((await report(...args, '--reporter', format)).code).toBe(0);
    }
  });

  it('judges the evidence anew when told to, whatever the result said', async () => {
    const folder = await record('judged', (result) => {
      result.verdict = 'fail';
    });
    expect(JSON.parse((await report(folder, '--judge', '--reporter', 'json')).stdout)).toMatchObject({
      verdict: 'pass',
    });
    expect(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'))).toMatchObject({ verdict: 'fail' });
  });

  it('tells what a result of another form lacks, and that its evidence can be judged again', async () => {
    const folder = await record('old');
    writeFileSync(join(folder, 'result.json'), '{ "schemaVersion": 0 }');
    const { code, stderr } = await report(folder);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/schemaVersion[\s\S]*what to do: judge its evidence again with --judge/),
    ]);
  });

  it('names how to name a run that is not there', async () => {
    const { code, stderr } = await report('nothing');
    expect([code, stderr]).toEqual([4, expect.stringMatching(/there is no run "nothing"[\s\S]*its newest run/)]);
  });
});
