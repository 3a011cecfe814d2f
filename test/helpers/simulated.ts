// A kernel that does exactly what the model says, for what comes after measuring: chance decides where the model is not certain.

import type { SocketOptions } from '../../src/linux/libc.ts';
import type { Interval } from '../../src/model/interval.ts';
import { outlivesOutage, type Side } from '../../src/model/predict.ts';
import { chanceOf, type Outcome, type Trial } from '../../src/plan/trial.ts';
import type { Conditions } from '../../src/sweep/conditions.ts';
import { predictTrial } from '../../src/sweep/expect.ts';
import type { Place } from '../../src/sweep/place.ts';

/** As getsockopt(2) would tell of a socket with these settings. */
export const optionsOf = ({ keepalive }: Side): SocketOptions =>
  keepalive === 'off'
    ? { keepalive: false, idleSeconds: 7200, intervalSeconds: 75, probes: 9, userTimeoutMs: 0 }
    : {
        keepalive: true,
        idleSeconds: keepalive.idleSeconds,
        intervalSeconds: keepalive.intervalSeconds,
        probes: keepalive.probes,
        userTimeoutMs: (keepalive.userTimeoutSeconds ?? 0) * 1000,
      };

const drawn = (certainty: 'yes' | 'maybe' | 'no', key: string) =>
  certainty === 'yes' || (certainty === 'maybe' && chanceOf(`draw ${key}`) < 0.5);

const within = ({ from, to }: Interval, key: string): number | undefined =>
  Number.isFinite(to) ? from + (to - from) * chanceOf(`time ${key}`) : undefined;

export function simulate(trial: Trial, hz: number): Outcome {
  const prediction = predictTrial(trial, hz);
  const { question, key, client, server, box, quietSeconds } = trial;
  const base = { key, kernel: { client: optionsOf(client), server: optionsOf(server) } };
  const met = (survives: boolean): Outcome => ({
    ...base,
    met: survives ? 'ok' : 'reopened',
    how: survives ? 'answer' : 'ECONNRESET',
  });
  switch (question.kind) {
    case 'quiet': {
      const survives = drawn(prediction.survives, key);
      const other = [...prediction.firstRequest].find((each) => each !== 'ok');
      return {
        ...met(survives),
        ...(survives || other === undefined ? {} : { met: other }),
        ...(other === 'timeout' && !survives ? { seconds: prediction.timeoutSeconds.from } : {}),
        zombie: !survives && drawn(prediction.zombie, key),
        executed: 1,
        told: true,
      };
    }
    case 'lost':
      return met(drawn(prediction.survivesLost[question.count - 1] ?? 'maybe', key));
    case 'replay':
      return { ...met(false), executed: 2, told: true };
    case 'outage':
      return met(
        drawn(outlivesOutage({ client, server, middlebox: box.middlebox, quietSeconds, hz }, question.seconds), key),
      );
    case 'dead': {
      const what = question.inFlight ? 'inFlight' : 'idle';
      const [mine, theirs] = (['client', 'server'] as const).map((side) =>
        within(prediction.deadPeer[side][what], key + side),
      );
      return {
        ...base,
        noticed: {
          ...(mine === undefined || mine > quietSeconds ? {} : { client: mine }),
          ...(theirs === undefined || theirs > quietSeconds ? {} : { server: theirs }),
        },
        watchedSeconds: quietSeconds,
      };
    }
    case 'cost': {
      const { from, to } = prediction.bytesAnHour;
      const bytes = (from + to) / 2;
      return { ...base, traffic: { seconds: 3600, packets: Math.round(bytes / 52), bytes } };
    }
  }
}

/** Conditions of a kernel that is simulated here. */
export const simulatedConditions = (hz = 250): Conditions => ({
  engine: 'virtual',
  kernel: 'simulated',
  hz,
  architecture: 'x64',
  programs: { node: 'v24.0.0' },
  machine: { name: 'here', cpu: 'simulated' },
});

/** A place that measures at once. @param spoil changes an outcome: a kernel that does not do what the model says */
export const simulated = (
  hz = 250,
  spoil: (outcome: Outcome, trial: Trial) => Outcome = (outcome) => outcome,
  conditions: Conditions = simulatedConditions(hz),
): Place => ({
  name: 'virtual',
  hz,
  slots: 2,
  realTime: false,
  async measure(batch, { onConditions, onOutcome, signal }) {
    onConditions(conditions);
    for (const trial of batch.trials) {
      signal.throwIfAborted();
      onOutcome(spoil(simulate(trial, hz), trial), 0);
    }
    return { memoryMb: 1, acts: [] };
  },
});
