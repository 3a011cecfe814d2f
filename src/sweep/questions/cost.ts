import { formatDuration } from '../../base/duration.ts';
import type { Interval } from '../../model/interval.ts';
import { gapBetweenProbes } from '../../model/keepalive.ts';
import type { Side } from '../../model/predict.ts';
import type { Comparison } from './comparison.ts';

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

/** How many packets an idle connection had. */
export const cost: Comparison<'cost'> = (_, { trial: { client, server }, outcome: { traffic }, hz }) => {
  const { seconds = 0, packets = 0 } = traffic ?? {};
  const expected = packetsIn(seconds, client, server, hz);
  return {
    agrees: traffic !== undefined && packets >= expected.from && packets <= expected.to,
    predicted: `${expected.from} to ${expected.to} packets in ${formatDuration(seconds)}`,
    measured: traffic === undefined ? 'nothing' : `${packets} packets`,
  };
};
