import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/model/predict.ts';
import { type Outcome, type Question, questionsOf, type Trial, trialOf } from '../../src/plan/trial.ts';
import { metOf } from '../../src/stage/bench/measure.ts';
import { compareAll } from '../../src/sweep/answers.ts';
import { compare, problemOf } from '../../src/sweep/expect.ts';
import { heardWithin } from '../../src/sweep/questions/heard.ts';
import { sweptBoxes } from '../../src/sweep/spec.ts';
import { optionsOf, simulate } from '../helpers/simulated.ts';

const [box] = sweptBoxes('aws-nlb', undefined);
if (box === undefined) throw new Error('no box');
const cell: Cell = {
  client: { keepalive: { idleSeconds: 100, intervalSeconds: 10, probes: 9 } },
  server: { keepalive: 'off' },
  middlebox: box.middlebox,
  quietSeconds: 28_800,
  hz: 250,
};
const agrees = (question: Question, outcome: Partial<Outcome>, of: Cell = cell) =>
  compare(
    trialOf(of, box.playedBy, question, 1, 1),
    { key: '', kernel: { client: optionsOf(of.client), server: optionsOf(of.server) }, ...outcome },
    250,
    1100,
  )?.agrees;

const METS = ['ok', 'reopened', 'reset', 'timeout', 'closed', 'other'] as const;
const asleep: Cell = { ...cell, client: { keepalive: 'off' } };

describe('what was measured agrees with the model', () => {
  it('of a quiet only in what a first request may meet', () => {
    const met = (of: Cell) => METS.filter((each) => agrees({ kind: 'quiet' }, { met: each }, of));
    expect(met(cell)).toEqual(['ok']);
    expect(met(asleep)).toEqual(['reset']);
    expect(agrees({ kind: 'quiet' }, {}, cell)).toBe(false);
  });
  it('of a zombie that is left only where one must be', () => {
    expect(agrees({ kind: 'quiet' }, { met: 'reset', zombie: true }, asleep)).toBe(true);
    expect(agrees({ kind: 'quiet' }, { met: 'reset', zombie: false }, asleep)).toBe(false);
  });
  it('of losses and outages where it was certain to outlive them, or not to', () => {
    expect(METS.filter((met) => agrees({ kind: 'lost', count: 2 }, { met }))).toEqual(['ok']);
    expect(METS.filter((met) => agrees({ kind: 'outage', seconds: 10 }, { met }))).toEqual(['ok']);
    // 100 s, and nine times ten.
    expect(METS.filter((met) => agrees({ kind: 'outage', seconds: 600 }, { met }))).not.toContain('ok');
  });
  it.each([
    [188.9, false],
    [189.1, true],
    // 100 s + 2.048 s late, and 9 × (10 s + 0.256 s late): 194.4 s, heard a second later.
    [195.3, true],
    [195.5, false],
    [undefined, false],
  ])('of a dead peer noticed after %d s: %s', (client, expected) => {
    const noticed = client === undefined ? {} : { client };
    expect(agrees({ kind: 'dead', inFlight: false }, { noticed, watchedSeconds: 28_800 })).toBe(expected);
  });
  it('of the cost, by packets; none that were counted are not as predicted', () => {
    const cost = (packets: number) => agrees({ kind: 'cost' }, { traffic: { seconds: 3600, packets, bytes: 0 } });
    expect([cost(70), cost(10), cost(100)]).toEqual([true, false, false]);
    expect(agrees({ kind: 'cost' }, {})).toBe(false);
  });
  it('of nothing that is not predicted, or found no answer', () => {
    expect(agrees({ kind: 'replay', seconds: 60 }, { met: 'ok' })).toBeUndefined();
    expect(agrees({ kind: 'quiet' }, { met: 'reset', problem: 'gone' })).toBeUndefined();
  });
});

describe('a tuning that no socket confirms', () => {
  const on = { keepalive: { idleSeconds: 100, intervalSeconds: 10, probes: 9 } } as const;
  const patient = { keepalive: { ...on.keepalive, userTimeoutSeconds: 90 } } as const;
  const off = { keepalive: 'off' } as const;
  const trialsOf = (of: Cell): Trial[] =>
    questionsOf(of, { lost: [1, 2], outages: [10, 60] }).map((question) => trialOf(of, box.playedBy, question, 1, 1));

  it.each([
    ['the client’s keepalive', { client: on, server: off }, 'client'],
    ['the client’s user timeout', { client: patient, server: off }, 'client'],
    ['the server’s keepalive', { client: off, server: on }, 'server'],
    ['the server’s, beside a client’s that is confirmed', { client: on, server: on }, 'server'],
  ] as const)('has no answer, whatever was seen: %s', (_, sides, side) => {
    for (const trial of trialsOf({ ...cell, ...sides })) {
      const { kernel, ...seen } = simulate(trial, 250);
      const proven = { ...seen, kernel };
      const { [side]: _gone, ...rest } = kernel;
      const unproven = { ...seen, kernel: rest };
      expect(problemOf(trial, proven)).toBeUndefined();
      expect(problemOf(trial, unproven)).toBe(`getsockopt did not confirm the keepalive of the ${side}’s socket`);
      expect(compare(trial, unproven, 250, 1100)).toBeUndefined();
      const all = compareAll([trial], new Map([[trial.key, unproven]]), { hz: 250, patienceSeconds: 1100 });
      expect(all.trials).toEqual({ measured: 0, agree: 0, unanswered: 1, unpredicted: 0 });
      expect(all.problems).toEqual([`${trial.key}: ${problemOf(trial, unproven)}`]);
    }
  });
  it('where no option was asked for, nothing needs to be confirmed', () => {
    for (const trial of trialsOf({ ...cell, client: off, server: off }))
      expect(problemOf(trial, { ...simulate(trial, 250), kernel: {} })).toBeUndefined();
  });
  it('keeps the first reason', () => {
    const [trial] = trialsOf({ ...cell, client: on }) as [Trial];
    expect(problemOf(trial, { key: trial.key, kernel: {}, problem: 'gone' })).toBe('gone');
  });
});

describe('within a time', () => {
  it.each([
    [298, 'yes'],
    [299, 'yes'],
    // It may be heard a second after the kernel knows.
    [299.5, 'maybe'],
    [300, 'maybe'],
    [301, 'maybe'],
    [301.5, 'no'],
    [Number.POSITIVE_INFINITY, 'no'],
  ])('of 300 s what happens at %d s is heard: %s', (at, certainty) => {
    expect(heardWithin({ from: at, to: at }, 300)).toBe(certainty);
  });
});

describe('what a request met', () => {
  it.each([
    [{ answered: 'same', askedAt: 10 }, 'ok'],
    [{ answered: 'anew', askedAt: 10, endedAt: 5, ending: 'reset' }, 'reopened'],
    [{ answered: 'anew', askedAt: 10, endedAt: 11, ending: 'reset' }, 'reset'],
    [{ answered: 'no', askedAt: 10, ending: 'timeout' }, 'timeout'],
    [{ answered: 'no', askedAt: 10, endedAt: 11, ending: 'closed' }, 'closed'],
    [{ answered: 'no', askedAt: 10, endedAt: 5, ending: 'reset' }, 'other'],
    [{ answered: 'no', askedAt: 10 }, 'other'],
    [{ answered: 'no' }, undefined],
  ] as const)('%j: %s', (done, met) => {
    expect(metOf(done)).toBe(met);
  });
});
