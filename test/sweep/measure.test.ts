import { beforeAll, describe, expect, it } from 'vitest';
import { kernelHz } from '../../src/linux/libc.ts';
import { compare } from '../../src/sweep/expect.ts';
import { choosePlace } from '../../src/sweep/place.ts';
import { kernelsBuilt } from '../helpers/kernels.ts';
import { NIGHT, SECONDS, sampleTrials } from '../helpers/sweep-sample.ts';
import { type Compared, disagreements, measureAndCompare } from './agreement.ts';

const SEED = 20_261_121;

describe('tunings drawn by chance, measured in real time', () => {
  let all: Compared[];
  beforeAll(async () => {
    const place = choosePlace('netns', {});
    const profiles = ['l4-drop', 'l4-reset', 'l4-rebalance', 'haproxy', 'nginx-stream'];
    const trials = sampleTrials({ sizes: SECONDS, profiles, count: 150, seed: SEED, hz: place.hz });
    all = await measureAndCompare(place, trials, { patienceSeconds: 3, countSeconds: 8 });
  });

  it('every answer is what the model says it may be', () => {
    expect(disagreements(all)).toEqual([]);
  });

  it('are of many kinds: some outlive the quiet, some time out, some are reset, some are opened anew', () => {
    const met = all.filter(({ trial }) => trial.question.kind === 'quiet').map(({ outcome }) => outcome.met);
    for (const kind of ['ok', 'timeout', 'reopened', 'reset'] as const)
      expect([kind, met.includes(kind)]).toEqual([kind, true]);
  });

  it('a balancer that was secretly ten times as patient would have been found out', () => {
    const quiet = all.filter(
      ({ trial: { question, box, client } }) =>
        question.kind === 'quiet' && 'conntrack' in box.playedBy && client.poolIdleSeconds === undefined,
    );
    const found = quiet.filter(({ trial, outcome }) => {
      const { box } = trial;
      const patient = {
        ...trial,
        box: { ...box, middlebox: { ...box.middlebox, timeoutSeconds: box.middlebox.timeoutSeconds * 10 } },
      };
      return compare(patient, outcome, kernelHz(), 3)?.agrees === false;
    });
    // Those that did not outlive the quiet with the patience that it was said to have.
    expect(found.length).toBeGreaterThan(10);
    for (const { outcome } of found) expect(outcome.met).not.toBe('ok');
  });

  it('have the options that were asked for, by the kernel’s own word', () => {
    for (const { trial, outcome } of all)
      for (const side of ['client', 'server'] as const) {
        const { keepalive } = trial[side];
        const kernel = outcome.kernel[side];
        // What a proxy connects to says so too.
        expect([trial.key, kernel?.keepalive]).toEqual([trial.key, keepalive !== 'off']);
        if (keepalive === 'off') continue;
        expect(kernel).toMatchObject({
          idleSeconds: keepalive.idleSeconds,
          intervalSeconds: keepalive.intervalSeconds,
          probes: keepalive.probes,
          userTimeoutMs: (keepalive.userTimeoutSeconds ?? 0) * 1000,
        });
      }
  });
});

/** IPVS has a timer of its own every second, which costs an eight-hour night seconds. */
const L4 = ['aws-nlb', 'l4-drop', 'gcp-passthrough'];

describe.each([
  { count: 200, hz: 250, profiles: [...L4, 'haproxy'], patiences: NIGHT.patiences },
  { count: 20, hz: 1000, profiles: L4, patiences: NIGHT.patiences },
  { count: 10, hz: 250, profiles: ['kube-proxy-ipvs'], patiences: [900] },
] as const)(
  '$count tunings through a night of eight hours behind $profiles, HZ $hz',
  ({ count, hz, profiles, patiences }) => {
    it.runIf(kernelsBuilt)(
      'every answer is what the model says it may be',
      async () => {
        const place = choosePlace('virtual', { hz });
        const sizes = { ...NIGHT, patiences: [...patiences] };
        const trials = sampleTrials({ sizes, profiles: [...profiles], count, seed: SEED + hz, hz });
        const all = await measureAndCompare(place, trials, { patienceSeconds: 1100, countSeconds: 3600 });
        expect(all).toHaveLength(trials.length);
        expect(disagreements(all)).toEqual([]);
      },
      600_000,
    );
  },
);
