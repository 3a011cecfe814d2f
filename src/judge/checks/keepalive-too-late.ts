import { z } from 'zod';
import { formatDuration } from '../../base/duration.ts';
import { HZ } from '../../base/hz.ts';
import { granuleSeconds, largestSafeIdle } from '../../model/timer-wheel.ts';
import { destinationText, sourceText } from '../../wire/endpoint.ts';
import type { Segment } from '../../wire/segments.ts';
import { ABOUT, defineCheck } from '../check.ts';
import type { ActFacts, ClientConnection } from '../facts.ts';
import { clientKeepalive } from '../remedy.ts';
import { inSeconds, plural, range } from '../words.ts';

/** Between the kernel's tick and the packet, and for what is not the timer's. */
const SLACK_SECONDS = 0.5;
/** The middlebox tells its patience in whole seconds. */
const ROUNDING_SECONDS = 1;

interface Probe {
  /** The client's end of its connection. */
  end: string;
  segment: Segment;
  /** Since the last packet that the client received on this connection. */
  silence: number;
}

/** The first probe of every silence: the one that the keepalive's idle time decides. */
function firstProbes(facts: ActFacts): Probe[] {
  const { quiet } = facts;
  const heard = new Map<string, number>();
  const asked = new Map<string, number>();
  const probes: Probe[] = [];
  for (const segment of facts.segments) {
    if (!facts.clients.includes(segment.host)) continue;
    const end = segment.outgoing ? sourceText(segment) : destinationText(segment);
    if (!segment.outgoing) heard.set(end, segment.time);
    else if (segment.name === 'keepalive probe') {
      const since = heard.get(end);
      if (
        since !== undefined &&
        asked.get(end) !== since &&
        quiet &&
        segment.time >= quiet.from &&
        segment.time <= quiet.to
      )
        probes.push({ end, segment, silence: segment.time - since });
      if (since !== undefined) asked.set(end, since);
    }
  }
  return probes;
}

/** Every connection that the pool had until the morning, those that were opened again in the night included. */
function deaths(facts: ActFacts): { connection: ClientConnection; time: number }[] {
  const until = facts.quiet?.to ?? 0;
  return facts.connections
    .filter(({ openedAt }) => openedAt < until)
    .flatMap((connection) => {
      const gone = facts.forgottenFlows(connection)[0]?.destroyed;
      return gone !== undefined && gone.time <= until ? [{ connection, time: gone.time }] : [];
    });
}

/** What the kernel of a client made of its keepalive. */
const kernelOf = (facts: ActFacts) =>
  facts.lookInQuiet
    .filter(({ host }) => facts.clients.includes(host))
    .flatMap(({ sockets }) => sockets.map((socket) => socket.kernel))
    .find((options) => options?.keepalive);

export default defineCheck({
  about:
    'a keepalive a little shorter than the middlebox’s patience: how many connections die all the same, because kernel timers fire late',
  params: z.strictObject({ dies: z.enum(['some', 'none']), ...ABOUT }),
  needs: [],
  question: () => 'whether the keepalive comes in time',
  says(facts, { dies }) {
    const kernel = kernelOf(facts);
    const { hz } = facts.evidence.record;
    const patience = facts.pool.flatMap((connection) => facts.patienceOf(connection)?.seconds ?? []);
    return {
      expected:
        kernel === undefined || hz === undefined || patience.length === 0
          ? `${dies === 'none' ? 'no' : 'some'} connection dies by a late probe`
          : `the first probe comes ${kernel.idleSeconds} s to ${inSeconds(kernel.idleSeconds + granuleSeconds(kernel.idleSeconds, hz))} after the last packet, and ${dies === 'none' ? `always before ${inSeconds(Math.min(...patience))}, so nothing dies` : `sometimes later than ${inSeconds(Math.min(...patience))}, so some connections die`}`,
      why: 'The kernel keeps long timers in coarse steps and rounds up, never down (the timer wheel, kernel/time/timer.c): at HZ 250 a timer of 129 s to 17 min fires up to 16.4 s late, at HZ 1000 one of 258 s to 34 min up to 32.8 s. How late a first probe comes depends on the moment at which its timer was set; each later one falls on the first step after its time. A keepalive just below the patience is a game of chance.',
    };
  },
  judge(facts, { dies }) {
    const { hz } = facts.evidence.record;
    const kernel = kernelOf(facts);
    const patience = facts.pool.map((connection) => facts.patienceOf(connection)?.seconds);
    const probes = firstProbes(facts);
    if (hz === undefined) return { unknown: 'the record does not tell the kernel’s HZ' };
    if (!kernel) return { unknown: `no socket of ${facts.clientNames} had keepalive on` };
    if (probes.length === 0) return { unknown: 'no keepalive probe was seen in the quiet' };
    if (patience.includes(undefined)) return { unknown: `${facts.boxNames()} told nothing of its patience` };
    const timeout = Math.min(...(patience as number[]));
    const granule = granuleSeconds(kernel.idleSeconds, hz);
    const lateness = probes.map(({ silence }) => silence - kernel.idleSeconds);
    const asWheel = lateness.every((late) => late > -SLACK_SECONDS && late <= granule + SLACK_SECONDS);
    const all = deaths(facts);
    const pool = new Set(facts.pool);
    const evening = all.filter(({ connection }) => pool.has(connection));
    const from = facts.quiet?.from ?? 0;
    const when =
      all.length > 0
        ? `, the first ${formatDuration(Math.min(...all.map(({ time }) => time)) - from)} into the quiet, the last of the evening’s ${formatDuration(Math.max(...(evening.length > 0 ? evening : all).map(({ time }) => time)) - from)}`
        : '';
    const inDanger = timeout < (facts.quiet ? facts.quiet.to - facts.quiet.from : 0);
    const late = new Set(probes.filter(({ silence }) => silence > timeout - ROUNDING_SECONDS).map(({ end }) => end));
    // Whatever else may have killed a connection is not this. A probe that was due after the quiet cannot be asked for.
    const byLateProbe = all.every(
      ({ connection, time }) => late.has(connection.local) || time > (facts.quiet?.to ?? 0) - granule,
    );
    const ok = asWheel && inDanger && byLateProbe && (dies === 'some' ? evening.length > 0 : all.length === 0);
    const latest = probes.reduce((worst, probe) => (probe.silence > worst.silence ? probe : worst));
    const limits = HZ.flatMap((each) => {
      const idle = largestSafeIdle(timeout, each);
      return idle === undefined
        ? []
        : [
            {
              where: `HZ ${each}`,
              text: `TCP_KEEPIDLE at most ${idle} s under ${inSeconds(timeout)}: ${idle} + ${granuleSeconds(idle, each).toFixed(1)} = ${(idle + granuleSeconds(idle, each)).toFixed(1)} s, and no probe may get lost`,
            },
          ];
    });
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? dies === 'some'
          ? `a keepalive of ${kernel.idleSeconds} s is too late for ${inSeconds(timeout)} at HZ ${hz}: ${evening.length} of ${plural(facts.pool.length, 'connection')} died in the quiet`
          : `a keepalive of ${kernel.idleSeconds} s is in time for ${inSeconds(timeout)} at HZ ${hz}: none of ${plural(facts.pool.length, 'connection')} died`
        : 'the keepalive did not do what the timer wheel says',
      observed: `${plural(probes.length, 'probe')} came ${range(probes.map(({ silence }) => silence))} after the last packet, ${inSeconds(Math.max(0, Math.min(...lateness)))} to ${inSeconds(Math.max(0, ...lateness))} late; ${evening.length} of ${plural(facts.pool.length, 'connection')} died (${all.length} deaths with those that were opened again)${when}`,
      remedy: ok ? [...limits, ...clientKeepalive(facts)] : [],
      evidence: [
        facts.packet(
          latest.segment,
          `the latest probe: ${latest.silence.toFixed(1)} s after the last packet, ${(latest.silence - kernel.idleSeconds).toFixed(1)} s late${latest.silence > timeout ? '; the flow was forgotten by then' : ''}`,
        ),
      ],
    };
  },
});
