import { formatDuration } from '../base/duration.ts';
import { type Answer, judgeEach, type Statement } from './check.ts';
import type { ActFacts } from './facts.ts';
import { clientKeepalive, serverKeepalive } from './remedy.ts';
import { inSeconds, plural, range } from './words.ts';

/** Kernel timers never fire early, and late by an eighth of their length at most (the timer wheel); each probe is a timer. */
const LATENESS = 1 / 8;
const SLACK_SECONDS = 0.3;

/** "2 h 13 min", or "6.08 s to 6.2 s" where that is more exact. */
const spoken = (seconds: readonly number[]): string =>
  Math.min(...seconds) < 600 ? range(seconds) : formatDuration(Math.max(...seconds));

interface Side {
  at: string;
  side: 'client' | 'server';
}

/** What the kernel of one side made of its keepalive; undefined where no socket of it was seen. */
const kernelAt = (facts: ActFacts, at: string) => {
  const hosts = facts.hostsNamed(at);
  return facts.lookInQuiet.filter(({ host }) => hosts.includes(host)).flatMap(({ sockets }) => sockets)[0]?.kernel;
};

const promisedBy = ({ idleSeconds, probes, intervalSeconds }: NonNullable<ReturnType<typeof kernelAt>>) =>
  idleSeconds + probes * intervalSeconds;

export function noticesStatement(facts: ActFacts, { at, side }: Side): Statement {
  const kernel = kernelAt(facts, at);
  return {
    expected:
      kernel === undefined
        ? `${at} gives up each socket by its own keepalive`
        : `${at} gives up each of ${plural(facts.pool.length, 'socket')} ${inSeconds(promisedBy(kernel))} after the last packet it received (${kernel.idleSeconds} s idle + ${kernel.probes} probes × ${kernel.intervalSeconds} s, by getsockopt)`,
    why: `The ${side}’s kernel asks after the idle time, again after every interval, and gives the socket up when as many probes as it was told stay without an answer: idle + probes × interval after the last packet it received (tcp_keepalive_timer).`,
  };
}

/** Whether the keepalive of one side's kernel found out that the other end has gone, and when it had to. */
export function judgeNotices(facts: ActFacts, { at, side }: Side): Answer {
  const hosts = facts.hostsNamed(at);
  const wanted = facts.pool.length;
  const { loss } = facts;
  const mine = side === 'server' ? 'peer' : 'local';
  const kernel = kernelAt(facts, at);
  if (!kernel) return { unknown: 'the evidence is incomplete' };
  const promised = promisedBy(kernel);
  const {
    cases,
    ok: all,
    example,
  } = judgeEach(facts.pool, wanted, ({ local }) => {
    const names = facts.namesOf(local);
    const end = facts.endsOf(local).find(({ host, socket }) => hosts.includes(host) && names.has(socket[mine]));
    const heard = facts
      .segmentsOf(local)
      .findLast(
        (segment) =>
          hosts.includes(segment.host) && !segment.outgoing && segment.time < (end?.time ?? Number.POSITIVE_INFINITY),
      );
    const probes = facts
      .probesOf(local)
      .filter((probe) => hosts.includes(probe.from) && probe.first.time > (heard?.time ?? 0));
    const waited = end && heard ? end.time - heard.time : undefined;
    const right =
      waited !== undefined &&
      waited >= promised - SLACK_SECONDS &&
      waited <= promised * (1 + LATENESS) + SLACK_SECONDS &&
      probes.length === kernel.probes;
    return { local, end, heard, probes, waited, right };
  });
  const ok = kernel.keepalive && all;
  const waits = cases.map(({ waited }) => waited).filter((waited) => waited !== undefined);
  const ends = cases.flatMap(({ end }) => (end ? [facts.at(end.time)] : []));
  return {
    status: ok ? 'pass' : 'fail',
    title: ok
      ? `${at} noticed ${spoken(waits)} after the last sign of life`
      : `${at} did not notice as its keepalive promises`,
    observed: `${ends.length} of ${wanted} sockets ended by their keepalive${waits.length > 0 ? `, ${range(waits)} after the last packet received${loss ? `, ${range(ends.map((end) => end + facts.evidence.record.from - loss.from))} after ${loss.text}` : ''}` : ''}; unanswered probes: ${cases.map(({ probes }) => probes.length).join(', ')}`,
    remedy: ok ? (side === 'server' ? serverKeepalive(facts) : clientKeepalive(facts)) : [],
    evidence: example
      ? [
          ...(example.heard ? [facts.packet(example.heard, `the last packet that the ${side} received`)] : []),
          ...example.probes.map((probe, index) =>
            facts.packet(probe.first, `keepalive probe ${index + 1} of ${kernel.probes}, unanswered`),
          ),
          ...(example.end
            ? [
                {
                  socket: example.end.host,
                  at: facts.at(example.end.time),
                  note: `${example.end.socket.local} ${side === 'server' ? '←' : '→'} ${example.end.socket.peer} destroyed by its kernel`,
                },
              ]
            : []),
        ]
      : [],
  };
}
