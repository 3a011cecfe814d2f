import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ActEvidence } from '../../src/evidence/read.ts';
import { judgeRun } from '../../src/judge/judge.ts';
import type { ActResult } from '../../src/judge/result.ts';
import type { StepRecord } from '../../src/lab/record.ts';
import { packageRoot } from '../../src/root.ts';
import { judged, judgedAct, recorded } from '../helpers/fixture.ts';

const SCENARIOS = readdirSync(join(packageRoot, 'test/fixtures'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'sweep')
  .map(({ name }) => name);

/** Changes the recorded steps of an act that passes as it is. */
const tampered = (change: (steps: StepRecord[], evidence: ActEvidence) => void): Promise<ActResult> =>
  judgedAct('rebalance', 'broken', (evidence) => change(evidence.record.steps, evidence));

const QUIET = 2;
const quietOf = (steps: StepRecord[]) => steps[QUIET] as StepRecord;
/** As if everything from this step's end on had happened later. */
function lengthen(evidence: ActEvidence, index: number, seconds: number): void {
  const { record } = evidence;
  for (const step of record.steps.slice(index + 1)) {
    step.from += seconds;
    step.to += seconds;
  }
  (record.steps[index] as StepRecord).to += seconds;
  record.to += seconds;
}

describe('an act as it was played', () => {
  it.each(SCENARIOS)('of %s is what its plan says', async (scenario) => {
    const { acts, verdict } = await judged(scenario);
    expect(acts.map(({ name, deviations }) => ({ name, deviations }))).toEqual(
      acts.map(({ name }) => ({ name, deviations: [] })),
    );
    expect(verdict).not.toBe('inconclusive');
  });
});

describe('an act whose steps are not those of its plan is inconclusive', () => {
  it.each<[string, Parameters<typeof tampered>[0], object[], RegExp]>([
    [
      'a quiet of 189 h instead of 5 s',
      (_, evidence) => lengthen(evidence, QUIET, 189 * 3600),
      [{ kind: 'longer', step: 3, plannedSeconds: 5 }],
      /step 3, “quiet for 5\.0 s”, lasted 189 h instead of 5 s/,
    ],
    [
      'a quiet that is 3 s too long',
      (_, evidence) => lengthen(evidence, QUIET, 3),
      [{ kind: 'longer', step: 3, plannedSeconds: 5 }],
      /lasted 8 s instead of 5 s/,
    ],
    [
      'a quiet that is 0.1 s too short',
      (_, evidence) => lengthen(evidence, QUIET, -0.12),
      [{ kind: 'shorter', step: 3, plannedSeconds: 5 }],
      /lasted 4\.9 s instead of 5 s/,
    ],
    [
      'a quiet of which only the end is earlier',
      (steps) => {
        quietOf(steps).to -= 4;
      },
      [
        { kind: 'shorter', step: 3 },
        { kind: 'gap', step: 4 },
      ],
      /lasted 1 s instead of 5 s; nothing was played for 4 s before step 4/,
    ],
    [
      'an action that took longer than any may',
      (_, evidence) => lengthen(evidence, 0, 60),
      [{ kind: 'longer', step: 1, plannedSeconds: 10 }],
      /lasted 60 s instead of 10 s|lasted 1 min/,
    ],
    [
      'a record that tells another length as planned',
      (steps, evidence) => {
        lengthen(evidence, QUIET, 95);
        quietOf(steps).seconds = 100;
      },
      [
        { kind: 'missing', step: 3 },
        { kind: 'unplanned', step: 3 },
      ],
      /step 3, “quiet for 5 s”, was not played/,
    ],
    [
      'a step without a number for its end',
      (steps) => {
        quietOf(steps).to = Number.NaN;
      },
      [
        { kind: 'shorter', step: 3 },
        { kind: 'overlap', step: 4 },
      ],
      /step 3/,
    ],
    [
      'a step that is missing, and the time in which it was played',
      (steps) => {
        steps.splice(QUIET, 1);
      },
      [
        { kind: 'missing', step: 3, text: 'quiet for 5 s' },
        { kind: 'gap', step: 3 },
      ],
      /“quiet for 5 s”, was not played; nothing was played for 5 s before step 3/,
    ],
    [
      'a step that is missing',
      (steps) => {
        steps.splice(1, 1);
      },
      [{ kind: 'missing', step: 2, text: 'pool: request' }],
      /“pool: request”, was not played/,
    ],
    [
      'a last step that is missing',
      (steps) => {
        steps.pop();
      },
      [
        { kind: 'missing', step: 5 },
        { kind: 'gap', step: 5 },
      ],
      /step 5/,
    ],
    [
      'a step that was played twice',
      (steps) => {
        steps.splice(1, 0, { ...(steps[0] as StepRecord), from: steps[0]?.to as number });
      },
      [{ kind: 'unplanned', step: 2 }],
      /“pool opens 2 connections”, was played although it is not in the plan/,
    ],
    [
      'steps that were swapped, with their times',
      (steps) => {
        const [first, second] = steps as [StepRecord, StepRecord];
        steps.splice(
          0,
          2,
          { ...second, from: first.from, to: first.to },
          { ...first, from: second.from, to: second.to },
        );
      },
      [{ kind: 'order', step: 1, planned: 'pool: connect' }],
      /step 1 was “pool sends .*”, where “pool: connect” is planned/,
    ],
    [
      'steps of which the later one stands first',
      (steps) => {
        const [quiet, request] = steps.splice(QUIET, 2) as [StepRecord, StepRecord];
        steps.splice(QUIET, 0, request, quiet);
      },
      [
        { kind: 'order', step: 3 },
        { kind: 'gap', step: 3 },
        { kind: 'overlap', step: 4 },
      ],
      /step 4 began 5 s before the one before it had ended/,
    ],
    [
      'an act that went on long after its last step',
      (_, { record }) => {
        record.to += 3600;
      },
      [{ kind: 'gap', step: 6 }],
      /nothing was played for 1 h before step 6/,
    ],
    [
      'an act that had begun long before its first',
      (_, { record }) => {
        record.from -= 3600;
      },
      [{ kind: 'gap', step: 1 }],
      /nothing was played for 1 h before step 1/,
    ],
  ])('%s', async (_, change, deviations, words) => {
    const act = await tampered(change);
    expect(act.deviations).toMatchObject(deviations);
    expect(act.verdict).toBe('inconclusive');
    expect(act.findings[0]).toMatchObject({ id: 'timeline', status: 'unknown' });
    expect(act.findings[0]?.observed).toMatch(words);
  });

  it('although all its checks pass', async () => {
    const act = await tampered((_, evidence) => {
      evidence.record.to += 3600;
    });
    expect(new Set(act.findings.slice(1).map(({ status }) => status))).toEqual(new Set(['pass']));
    expect(act.verdict).toBe('inconclusive');
  });
  it('although one of them fails', async () => {
    const act = await tampered((_, evidence) => {
      evidence.record.to += 3600;
      evidence.plan.expect = [{ check: 'zombies', params: { at: 'mq', exactly: 7 } }];
    });
    expect(act.findings.map(({ status }) => status)).toEqual(['unknown', 'fail']);
    expect(act.verdict).toBe('inconclusive');
  });
  it('so that the run is, too', async () => {
    const evidence = recorded('rebalance');
    lengthen(evidence.acts[0] as ActEvidence, QUIET, 3600);
    expect((await judgeRun(evidence, 0)).verdict).toBe('inconclusive');
  });
});

describe('an act whose connections do what they are told one after another', () => {
  const spread = (by: number) =>
    tampered((_, evidence) => {
      for (const host of evidence.plan.hosts) if (host.role === 'client') host.spreadSeconds = 60;
      // Two connections: the second begins after half of the time. Nobody waits for requests that are watched.
      for (const index of [0, 1]) lengthen(evidence, index, by);
    });
  it('takes as long as that', async () => expect((await spread(30)).deviations).toEqual([]));
  it('was not played as planned if it took less', async () =>
    expect((await spread(20)).deviations).toMatchObject([
      { kind: 'shorter', step: 1, plannedSeconds: 30 },
      { kind: 'shorter', step: 2, plannedSeconds: 30 },
    ]));
});

describe('a run without a record of one of its acts', () => {
  it('is inconclusive, and says so', async () => {
    const evidence = recorded('rebalance');
    evidence.run.acts.pop();
    evidence.acts.pop();
    const { verdict, problem } = await judgeRun(evidence, 0);
    expect({ verdict, problem }).toMatchObject({
      verdict: 'inconclusive',
      problem: { code: 'BAD_EVIDENCE', message: 'run.json has no record of the act fixed' },
    });
  });
});
