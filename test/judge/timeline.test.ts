import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { ActEvidence } from '../../src/evidence/read.ts';
import { judgeRun } from '../../src/judge/judge.ts';
import type { ActResult } from '../../src/judge/result.ts';
import type { LookRecord, StepRecord } from '../../src/stage/record.ts';
import { judged, judgedAct, recorded } from '../helpers/fixture.ts';

const SCENARIOS = readdirSync(join(packageRoot, 'test/fixtures'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['sweep', 'results-v1'].includes(entry.name))
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

/** As if nothing had been played for so long before this step. */
function seam(evidence: ActEvidence, index: number, seconds: number): void {
  lengthen(evidence, index - 1, seconds);
  (evidence.record.steps[index - 1] as StepRecord).to -= seconds;
}
/** As if a quiet of another length had been planned, and played as well as the one that was. */
function plannedQuiet(evidence: ActEvidence, seconds: number): void {
  const [planned, played] = [evidence.plan.timeline[QUIET], evidence.record.steps[QUIET]];
  if (planned?.kind !== 'quiet' || played?.kind !== 'quiet') throw new Error('no quiet');
  lengthen(evidence, QUIET, seconds - planned.seconds);
  planned.seconds = seconds;
  played.seconds = seconds;
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

describe('a look that ends a wait', () => {
  /** As if the quiet had been so much longer, of which its last look took a part. */
  const looked = (seconds: number, lookSeconds: number) =>
    tampered((steps, evidence) => {
      lengthen(evidence, QUIET, seconds);
      const { to } = quietOf(steps);
      evidence.record.looks = [{ from: to - lookSeconds, to }];
    });

  it('may take its time, on every engine', async () => {
    expect(await looked(3, 3)).toMatchObject({ deviations: [] });
  });
  it('excuses no more than it took', async () => {
    const { deviations } = await looked(3, 1);
    expect(deviations).toMatchObject([{ kind: 'longer', step: 3, plannedSeconds: 5 }]);
  });
  it('excuses nothing that is longer than the wait', async () => {
    const { deviations } = await looked(100, 100);
    expect(deviations).toMatchObject([{ kind: 'longer', step: 3, plannedSeconds: 5 }]);
  });
  it('does not excuse a silence that crosses the idle timeout meanwhile', async () => {
    const { deviations } = await tampered((steps, evidence) => {
      plannedQuiet(evidence, 2.7);
      lengthen(evidence, QUIET, 0.6);
      const { to } = quietOf(steps);
      evidence.record.looks = [{ from: to - 0.6, to }];
    });
    expect(deviations).toMatchObject([{ kind: 'crossed-timeout', step: 4, plannedSeconds: 2.7, timeoutSeconds: 3 }]);
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
      'a quiet that is a tenth too long',
      (_, evidence) => lengthen(evidence, QUIET, 0.6),
      [{ kind: 'longer', step: 3, plannedSeconds: 5 }],
      /lasted 5\.6 s instead of 5 s/,
    ],
    [
      'a quiet and the seam after it, together 8.9 s instead of 5 s',
      (_, evidence) => {
        lengthen(evidence, QUIET, 1.95);
        seam(evidence, QUIET + 1, 1.95);
      },
      [
        { kind: 'longer', step: 3, plannedSeconds: 5 },
        { kind: 'gap', step: 4 },
      ],
      /step 3, “quiet for 5\.0 s”, lasted 7 s instead of 5 s; nothing was played for 2 s before step 4/,
    ],
    [
      'a quiet and the seams beside it, each within its tolerance',
      (_, evidence) => {
        lengthen(evidence, QUIET, 0.2);
        seam(evidence, QUIET, 0.2);
        seam(evidence, QUIET + 1, 0.2);
      },
      [{ kind: 'longer', step: 3, plannedSeconds: 5 }],
      /step 3, “quiet for 5\.0 s”, lasted 5\.6 s instead of 5 s/,
    ],
    [
      'a seam between two actions',
      (_, evidence) => seam(evidence, 1, 0.6),
      [{ kind: 'gap', step: 2 }],
      /nothing was played for 6\d0 ms before step 2/,
    ],
    [
      'a quiet of 0.9 of the idle timeout that lasted longer than that',
      (_, evidence) => {
        plannedQuiet(evidence, 2.7);
        lengthen(evidence, QUIET, 0.34);
      },
      [{ kind: 'crossed-timeout', step: 4, plannedSeconds: 2.7, timeoutSeconds: 3 }],
      /the silence before step 4 lasted 3\.1 s instead of 2\.7 s: on the other side of the middlebox’s idle timeout, 3 s/,
    ],
    [
      'a quiet below the idle timeout, whose seam takes it there',
      (_, evidence) => {
        plannedQuiet(evidence, 2.7);
        seam(evidence, QUIET + 1, 0.34);
      },
      [{ kind: 'crossed-timeout', step: 4, plannedSeconds: 2.7 }],
      /the silence before step 4/,
    ],
    [
      'a quiet below the idle timeout, beside answers that took until after it',
      (_, evidence) => {
        plannedQuiet(evidence, 2.7);
        lengthen(evidence, QUIET - 1, 0.4);
      },
      [{ kind: 'crossed-timeout', step: 4, plannedSeconds: 2.7 }],
      /the silence before step 4/,
    ],
    [
      'connections that took longer to open than the middlebox remembers them',
      (_, evidence) => lengthen(evidence, 0, 4),
      [{ kind: 'crossed-timeout', step: 2, plannedSeconds: 0 }],
      /the silence before step 2 lasted 4\.0 s/,
    ],
    [
      'a quiet beyond the idle timeout that was over before it, by less than a step may seem too short',
      (_, evidence) => {
        plannedQuiet(evidence, 3.002);
        // Answered within a millisecond, and over 8 ms too soon.
        const [before, quiet] = evidence.record.steps.slice(QUIET - 1, QUIET + 1) as [StepRecord, StepRecord];
        before.from = before.to = quiet.from - 0.001;
        lengthen(evidence, QUIET, 2.994 - (quiet.to - quiet.from));
      },
      [{ kind: 'crossed-timeout', step: 4, plannedSeconds: 3.002 }],
      /the silence before step 4/,
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
      [
        { kind: 'longer', step: 1, plannedSeconds: 10 },
        { kind: 'crossed-timeout', step: 2, plannedSeconds: 0, timeoutSeconds: 3 },
      ],
      /lasted 60 s instead of 10 s|lasted 1 min/,
    ],
    [
      'a record that tells another length as planned',
      (steps, evidence) => {
        lengthen(evidence, QUIET, 95);
        (quietOf(steps) as { seconds: number }).seconds = 100;
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
      [
        { kind: 'gap', step: 6 },
        { kind: 'crossed-timeout', step: 6, plannedSeconds: 2, timeoutSeconds: 3 },
      ],
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

describe('an act is still what its plan says', () => {
  const thousands = (evidence: ActEvidence, connections: number) => {
    for (const host of evidence.plan.hosts) if (host.role === 'client') host.connections = connections;
  };
  it.each<[string, (evidence: ActEvidence) => void]>([
    ['where a quiet below the idle timeout stays below it', (evidence) => plannedQuiet(evidence, 2.7)],
    ['where a quiet is as long as the idle timeout', (evidence) => plannedQuiet(evidence, 3)],
    ['where a quiet of seconds is late by 0.3 s', (evidence) => lengthen(evidence, QUIET, 0.3)],
    ['where its connections take 2 s to open', (evidence) => lengthen(evidence, 0, 2)],
    [
      'where the last look takes half a second',
      ({ record }) => {
        record.to += 0.35;
      },
    ],
    [
      'where the looks at thousands of connections take long',
      (evidence) => {
        thousands(evidence, 3000);
        lengthen(evidence, QUIET, 0.25);
        lengthen(evidence, 4, 0.4);
      },
    ],
  ])('%s', async (_, change) => {
    const act = await tampered((_steps, evidence) => change(evidence));
    expect(act.deviations).toEqual([]);
    expect(act.findings.map(({ id }) => id)).not.toContain('timeline');
  });
  it('in a night of hours, though a look takes a second and a half', async () => {
    const act = await judgedAct('ipvs', 'strict', (evidence) => lengthen(evidence, QUIET, 1.5));
    expect(act.deviations).toEqual([]);
  });
  it('nor does a last look of a second beside it make another act', async () => {
    const act = await judgedAct('ipvs', 'strict', ({ record }) => {
      record.to += 1;
    });
    expect(act.deviations).toEqual([]);
  });
  it('but not though it takes 2 s, however long the night is', async () => {
    const act = await judgedAct('ipvs', 'strict', (evidence) => lengthen(evidence, QUIET, 2));
    expect(act.deviations).toMatchObject([{ kind: 'longer', step: 3 }]);
  });
});

describe('an act whose connections do what they are told one after another', () => {
  const spread = (by: number) =>
    tampered((_, evidence) => {
      for (const step of evidence.plan.timeline) if (step.kind === 'action') step.overSeconds = 60;
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

describe('a last look of 0.8 s, and as much time for which there is no reason', () => {
  it.each(['netns', 'docker'])('are told apart on %s as on every engine', async (engine) => {
    const kindsWith = async (looks: (end: number) => LookRecord[]) => {
      const evidence = recorded('rebalance');
      evidence.run.engine = engine;
      const { record } = evidence.acts[0] as ActEvidence;
      record.to += 0.8;
      record.looks = looks(record.to);
      const [result] = (await judgeRun(evidence, 0)).acts;
      return result?.deviations.map(({ kind }) => kind);
    };
    expect(await kindsWith((to) => [{ from: to - 0.8, to }])).toEqual([]);
    expect(await kindsWith(() => [])).toEqual(['gap']);
  });
});
