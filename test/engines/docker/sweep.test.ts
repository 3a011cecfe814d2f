import { beforeAll, describe, expect, it } from 'vitest';
import { choosePlace } from '../../../src/sweep/place.ts';
import { containersThere } from '../../helpers/docker.ts';
import { SECONDS, sampleTrials } from '../../helpers/sweep-sample.ts';
import { type Compared, disagreements, measureAndCompare } from '../../sweep/agreement.ts';

const SEED = 20_261_124;

describe.runIf(containersThere)('tunings drawn by chance, measured on containers', () => {
  let all: Compared[];
  beforeAll(async () => {
    const place = choosePlace('docker', {});
    const profiles = ['l4-drop', 'l4-reset', 'haproxy'];
    const trials = sampleTrials({ sizes: SECONDS, profiles, count: 45, seed: SEED, hz: place.hz });
    all = await measureAndCompare(place, trials, { patienceSeconds: 3, countSeconds: 8 });
  });

  it('every answer is what the model says it may be', () => expect(disagreements(all)).toEqual([]));
  it('are of several kinds: some outlive the quiet, some time out, some are reset', () => {
    const met = all.filter(({ trial }) => trial.question.kind === 'quiet').map(({ outcome }) => outcome.met);
    for (const kind of ['ok', 'timeout', 'reset'] as const) expect([kind, met.includes(kind)]).toEqual([kind, true]);
  });
});
