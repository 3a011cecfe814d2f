import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SweepFolder } from '../../src/sweep/folder.ts';
import { parseList, parseScan } from '../../src/sweep/grid.ts';
import type { Place } from '../../src/sweep/place.ts';
import type { SweepResult } from '../../src/sweep/result.ts';
import { runSweep } from '../../src/sweep/run-sweep.ts';
import { type SweepSpec, sweptBoxes } from '../../src/sweep/spec.ts';
import { simulated } from '../helpers/simulated.ts';

const runs = mkdtempSync(join(tmpdir(), 'idlelab-test-recommend-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

const night = (more: Partial<SweepSpec> & { middleboxes?: [string, number[]?][] }): SweepSpec => ({
  schemaVersion: 1,
  name: 'test',
  title: 'a landscape',
  story: '',
  pace: 'production',
  boxes: (more.middleboxes ?? [['aws-nlb']]).flatMap(([name, timeouts]) => sweptBoxes(name, timeouts)),
  axes: more.axes ?? [parseScan('keepIdle', '30s..420s/30s'), parseList('keepInterval', '1s,10s,75s')],
  quietSeconds: 28_800,
  repeat: 3,
  seed: 1,
  lost: [1, 2, 3],
  outages: [10, 60, 300],
  demands: more.demands ?? { lost: 2, outageSeconds: 60, noticeSeconds: 0 },
  patienceSeconds: 1100,
  countSeconds: 3600,
  hz: 250,
  engine: 'virtual',
  measure: more.measure ?? 'all',
});

async function sweep(spec: SweepSpec, place: Place = simulated()): Promise<SweepResult> {
  const folder = SweepFolder.create(runs, spec, new Date(), null);
  const result = await runSweep(folder, place, { progress: { told: () => {} }, signal: new AbortController().signal });
  folder.release();
  if (result === undefined) throw new Error('no result');
  return result;
}

describe('on a landscape behind a balancer that forgets after 350 s', () => {
  it('the longest idle time is taken whose probe comes in time though two are lost, with an interval that outlives an outage', async () => {
    const { recommendations, verdict } = await sweep(night({}));
    expect(recommendations[0]).toMatchObject({
      verdict: 'found',
      cell: 'aws-nlb 350s: keepIdle=300s keepInterval=10s',
    });
    expect(recommendations[0]?.margin).toContain('13.1 s to spare');
    expect(verdict).toBe('pass');
  });
  it('what lies next to it is measured: it holds as far as the model is certain, and breaks from where the model is certain', async () => {
    const [found] = (await sweep(night({}))).recommendations;
    expect(found?.neighbours.map(({ cell, expected }) => [cell.replace(/^.*?: /, ''), expected])).toEqual([
      // 313 + 16.384 + 2 × 10.256 < 350; 330 + 2 × 10 > 350.
      ['keepIdle=313s keepInterval=10s', 'holds'],
      ['keepIdle=331s keepInterval=10s', 'breaks'],
    ]);
    for (const { expected, seen } of found?.neighbours ?? []) expect(seen).toBe(expected);
  });
  it('asked to notice a dead peer sooner, it takes a shorter one', async () => {
    const { recommendations } = await sweep(night({ demands: { lost: 2, outageSeconds: 60, noticeSeconds: 200 } }));
    expect(recommendations[0]?.cell).toBe('aws-nlb 350s: keepIdle=90s keepInterval=10s');
  });
  it('asked for no outage, it takes Node’s interval of a second', async () => {
    const { recommendations } = await sweep(night({ demands: { lost: 2, outageSeconds: 0, noticeSeconds: 0 } }));
    expect(recommendations[0]?.cell).toBe('aws-nlb 350s: keepIdle=330s keepInterval=1s');
  });
  it('a landscape without anything good is not recommended from: something else is measured and named', async () => {
    const { recommendations, cells } = await sweep(night({ axes: [parseList('keepIdle', '340s,400s')] }));
    expect(recommendations[0]?.verdict).toBe('found');
    const best = cells.find(({ id }) => id === recommendations[0]?.cell);
    expect(best?.why).toEqual({ kind: 'substitute', by: 'keepalive' });
    expect(best?.measured?.survives.yes).toBe(best?.measured?.survives.of);
  });
});

describe('behind a proxy', () => {
  it('no TCP setting fixes it; a heartbeat does, and so does the proxy’s own time-out', async () => {
    const { recommendations, cells, traps } = await sweep(night({ middleboxes: [['haproxy']] }));
    const [found] = recommendations;
    expect(found?.verdict).toBe('no-tcp-setting');
    expect(found?.sentence).toMatch(/^No TCP setting fixes haproxy \(60s\).*set heartbeat=20s heartbeatTimeout=150s/);
    expect(found?.alternatives.map(({ by }) => by)).toContain('longer-timeout');
    expect(found?.remedy).toBe('timeout client 36000s\ntimeout server 36000s');
    expect(cells.filter(({ why }) => why === undefined).every(({ measured }) => measured?.survives.yes === 0)).toBe(
      true,
    );
    expect(traps.map(({ id }) => id)).toContain('proxy-ignores-keepalive');
  });
});

describe('behind several', () => {
  it('one tuning for all is that of the least patient', async () => {
    const { common } = await sweep(
      night({
        middleboxes: [['aws-nlb', [120, 350]], ['gcp-passthrough']],
        axes: [parseList('keepIdle', '20s,90s,300s'), parseList('keepInterval', '10s')],
      }),
    );
    expect(common?.sentence).toMatch(
      /^Behind each of aws-nlb \(120s, 350s\) and gcp-passthrough \(60s\), set keepIdle=20s keepInterval=10s/,
    );
    expect(common?.cells).toHaveLength(3);
  });
  it('what is more patient than the quiet needs nothing', async () => {
    const { recommendations } = await sweep(night({ middleboxes: [['kube-proxy-iptables']] }));
    expect(recommendations[0]?.verdict).toBe('not-needed');
  });
});

describe('a kernel that does not do what the model says', () => {
  it('is told first, and fails the sweep', async () => {
    const broken = simulated(250, (outcome, { question, client }) =>
      question.kind === 'quiet' && client.keepalive !== 'off' && client.keepalive.idleSeconds === 60
        ? { ...outcome, met: 'reset' }
        : outcome,
    );
    const result = await sweep(night({}), broken);
    expect(result.verdict).toBe('fail');
    expect(result.disagreements.length).toBe(9);
    expect(result.disagreements[0]).toMatchObject({ predicted: 'ok', measured: expect.stringContaining('reset') });
  });
  it('whose sockets do not have what was asked for fails the sweep too', async () => {
    const deaf = simulated(250, (outcome) => ({
      ...outcome,
      kernel: { client: { keepalive: true, idleSeconds: 7200, intervalSeconds: 75, probes: 9, userTimeoutMs: 0 } },
    }));
    const { verdict, disagreements } = await sweep(night({}), deaf);
    expect(verdict).toBe('fail');
    expect(disagreements[0]?.measured).toBe('getsockopt: 7200 s / 75 s / 9, user timeout 0 ms');
  });
  it('whose sockets confirm nothing leaves the sweep inconclusive, and recommends nothing that needs them', async () => {
    const mute = simulated(250, (outcome) => ({ ...outcome, kernel: {} }));
    const { verdict, trials, problems, recommendations } = await sweep(night({}), mute);
    expect(verdict).toBe('inconclusive');
    expect(trials.unanswered).toBeGreaterThan(0);
    expect(problems[0]).toContain('getsockopt did not confirm the keepalive of the client’s socket');
    expect(recommendations[0]?.verdict).not.toBe('found');
  });
  it('is not averaged away: a cell that failed once is not recommended', async () => {
    const once = simulated(250, (outcome, { question, client, repeat }) =>
      question.kind === 'lost' &&
      question.count === 2 &&
      repeat === 3 &&
      client.keepalive !== 'off' &&
      client.keepalive.idleSeconds === 300 &&
      client.keepalive.intervalSeconds === 10
        ? { ...outcome, met: 'reset' }
        : outcome,
    );
    expect((await sweep(night({}), once)).recommendations[0]?.cell).toBe(
      'aws-nlb 350s: keepIdle=270s keepInterval=10s',
    );
  });
  it('without answers it is inconclusive', async () => {
    const silent = simulated(250, ({ key, kernel }) => ({ key, kernel, problem: 'nothing was heard of it' }));
    const { verdict, recommendations } = await sweep(night({}), silent);
    expect(verdict).toBe('inconclusive');
    expect(recommendations[0]?.verdict).toBe('none');
  });
});

describe('what lies next to the best', () => {
  it('that could not be measured makes it inconclusive, not wrong', async () => {
    const blind = simulated();
    const partly: Place = {
      ...blind,
      measure: (batch, run) =>
        blind.measure(batch, {
          ...run,
          onOutcome: (outcome, group) =>
            run.onOutcome(
              /keepalive 3[13]\ds/.test(outcome.key) && !/330s/.test(outcome.key)
                ? { key: outcome.key, kernel: {}, problem: 'gone' }
                : outcome,
              group,
            ),
        }),
    };
    expect((await sweep(night({}), partly)).verdict).toBe('inconclusive');
  });
});

describe('a client with a command time-out', () => {
  it('is seen to have its commands done twice in an outage', async () => {
    const axes = [parseList('keepIdle', '100s'), parseList('keepInterval', '10s'), parseList('commandTimeout', '5s')];
    const { cells, traps } = await sweep(night({ axes }));
    expect(cells[0]?.measured?.duplicatedCommands).toBe(3);
    expect(traps.map(({ id }) => id)).toContain('replay');
  });
});

describe('a large landscape', () => {
  it('measured where something changes, it says the same', async () => {
    const axes = [parseScan('keepIdle', '5s..600s/5s'), parseList('keepInterval', '1s,10s,30s,75s')];
    const [all, frontier] = await Promise.all([sweep(night({ axes })), sweep(night({ axes, measure: 'frontier' }))]);
    expect(frontier.recommendations[0]?.cell).toBe(all.recommendations[0]?.cell);
    const measured = frontier.cells.filter(({ measured: seen }) => seen !== null).length;
    expect(measured).toBeLessThan(all.cells.length / 2);
  });
});
