// What the model says of a trial, in the trial's own terms, and whether what was measured is within it.
import type { SocketOptions } from '../linux/libc.ts';
import type { Interval } from '../model/interval.ts';
import { gapBetweenProbes } from '../model/keepalive.ts';
import { outlivesOutage, type Prediction, predict, type Side } from '../model/predict.ts';
import { formatDuration } from '../scenario/duration.ts';
import { agreesWith } from './heard.ts';
import type { Outcome, Trial } from './trial.ts';

export interface Agreement {
  agrees: boolean;
  predicted: string;
  measured: string;
}

const intervalText = ({ from, to }: Interval): string => {
  if (from === Number.POSITIVE_INFINITY) return 'never';
  if (to === Number.POSITIVE_INFINITY) return `${formatDuration(from)} or later`;
  return to - from < 0.01 ? formatDuration(from) : `${formatDuration(from)} to ${formatDuration(to)}`;
};

const timeText = (seconds: number | undefined, watchedSeconds: number) =>
  seconds === undefined ? `not within ${formatDuration(watchedSeconds)}` : formatDuration(seconds);

/** Packets of an idle connection in a time: probes and heartbeats with their answers. */
function packetsIn(seconds: number, client: Side, server: Side, hz: number): Interval {
  const beat = Math.min(
    client.heartbeatSeconds ?? Number.POSITIVE_INFINITY,
    server.heartbeatSeconds ?? Number.POSITIVE_INFINITY,
  );
  return [client, server].reduce<Interval>(
    (sum, { keepalive, heartbeatSeconds }) => {
      const beats = heartbeatSeconds === undefined ? 0 : Math.floor(seconds / heartbeatSeconds);
      // A beat and its answer, each acknowledged on the next or by itself.
      const beatPackets = {
        from: 2 * Math.max(0, beats - 1),
        to: heartbeatSeconds === undefined ? 0 : 4 * (beats + 1),
      };
      if (keepalive === 'off') return { from: sum.from + beatPackets.from, to: sum.to + beatPackets.to };
      const gap = gapBetweenProbes(keepalive, hz);
      const quieter = beat <= keepalive.idleSeconds;
      return {
        from:
          sum.from + beatPackets.from + (Number.isFinite(beat) ? 0 : 2 * Math.max(0, Math.floor(seconds / gap.to) - 1)),
        to:
          sum.to +
          beatPackets.to +
          (quieter ? 0 : 2 * (Math.floor(seconds / Math.min(gap.from, keepalive.idleSeconds)) + 1)),
      };
    },
    { from: 0, to: 0 },
  );
}

export const predictTrial = ({ client, server, box, quietSeconds }: Trial, hz: number): Prediction =>
  predict({ client, server, middlebox: box.middlebox, quietSeconds, hz });

const certain = (survives: 'yes' | 'maybe' | 'no', met: Outcome['met']): boolean =>
  survives === 'maybe' || (met === 'ok') === (survives === 'yes');

const optionsText = ({ keepalive, idleSeconds, intervalSeconds, probes, userTimeoutMs }: SocketOptions): string =>
  keepalive ? `${idleSeconds} s / ${intervalSeconds} s / ${probes}, user timeout ${userTimeoutMs} ms` : 'keepalive off';

/** What a side's socket should have, by the settings that it was given. */
const asked = ({ keepalive }: Side): SocketOptions | undefined =>
  keepalive === 'off'
    ? undefined
    : { keepalive: true, ...keepalive, userTimeoutMs: (keepalive.userTimeoutSeconds ?? 0) * 1000 };

/** Where a socket does not have what was asked for, its answers are those of another tuning. */
function otherOptions(trial: Trial, { kernel }: Outcome): Agreement | undefined {
  for (const side of ['client', 'server'] as const) {
    const [has, wanted] = [kernel[side], asked(trial[side])];
    if (has === undefined) continue;
    const same = wanted === undefined ? !has.keepalive : optionsText(has) === optionsText(wanted);
    if (!same)
      return {
        agrees: false,
        predicted: `${side}’s socket: ${wanted === undefined ? 'keepalive off' : optionsText(wanted)}`,
        measured: `getsockopt: ${optionsText(has)}`,
      };
  }
  return undefined;
}

/** @param patienceSeconds how long an answer was waited for @returns undefined where nothing is predicted, or answered */
export function compare(trial: Trial, outcome: Outcome, hz: number, patienceSeconds: number): Agreement | undefined {
  if (outcome.problem !== undefined) return undefined;
  const others = otherOptions(trial, outcome);
  if (others !== undefined) return others;
  const { question, client, server, box, quietSeconds } = trial;
  const cell = { client, server, middlebox: box.middlebox, quietSeconds, hz };
  const prediction = predictTrial(trial, hz);
  switch (question.kind) {
    case 'quiet': {
      const { firstRequest, timeoutSeconds, zombie } = prediction;
      const { met } = outcome;
      const allowed: readonly Outcome['met'][] = [...firstRequest];
      const inTime = met !== 'timeout' || agreesWith(outcome.seconds, timeoutSeconds, patienceSeconds);
      const left =
        outcome.zombie === undefined || zombie === 'maybe' || (zombie === 'yes') === outcome.zombie || met === 'ok';
      return {
        agrees: allowed.includes(met) && inTime && left,
        predicted: `${allowed.join(' or ')}${firstRequest.has('timeout') ? ` after ${intervalText(timeoutSeconds)}` : ''}${zombie === 'no' ? '' : `, zombie: ${zombie}`}`,
        measured: `${met ?? 'nothing'}${met === 'timeout' ? ` after ${timeText(outcome.seconds, patienceSeconds)}` : ''}${outcome.zombie ? ', zombie' : ''}`,
      };
    }
    case 'lost': {
      const survives = prediction.survivesLost[question.count - 1] ?? 'maybe';
      return {
        agrees: certain(survives, outcome.met),
        predicted: `survives: ${survives}`,
        measured: outcome.met ?? 'nothing',
      };
    }
    case 'outage': {
      const survives = outlivesOutage(cell, question.seconds);
      return {
        agrees: certain(survives, outcome.met),
        predicted: `survives: ${survives}`,
        measured: outcome.met ?? 'nothing',
      };
    }
    case 'replay':
      // How often it is done is a race between what the kernel sends again and what the client asks anew.
      return undefined;
    case 'dead': {
      const which = question.inFlight ? 'inFlight' : 'idle';
      const watched = outcome.watchedSeconds ?? 0;
      const sides = (['client', 'server'] as const).map((side) => ({
        side,
        predicted: prediction.deadPeer[side][which],
        measured: outcome.noticed?.[side],
      }));
      return {
        agrees: sides.every(({ predicted, measured }) => agreesWith(measured, predicted, watched)),
        predicted: sides.map(({ side, predicted }) => `${side}: ${intervalText(predicted)}`).join(', '),
        measured: sides.map(({ side, measured }) => `${side}: ${timeText(measured, watched)}`).join(', '),
      };
    }
    case 'cost': {
      const { seconds, packets } = outcome.traffic as NonNullable<Outcome['traffic']>;
      const expected = packetsIn(seconds, client, server, hz);
      return {
        agrees: packets >= expected.from && packets <= expected.to,
        predicted: `${expected.from} to ${expected.to} packets in ${formatDuration(seconds)}`,
        measured: `${packets} packets`,
      };
    }
  }
}
