import { formatDuration } from '../base/duration.ts';
import { cannotTell, type Judgement } from './check.ts';
import type { ActFacts } from './facts.ts';
import { clientKeepalive, serverKeepalive } from './remedy.ts';
import { inSeconds, plural, range } from './words.ts';

/** Kernel timers never fire early, and late by an eighth of their length at most (the timer wheel); each probe is a timer. */
const LATENESS = 1 / 8;
const SLACK_SECONDS = 0.3;

/** "2 h 13 min", or "6.08 s to 6.2 s" where that is more exact. */
const spoken = (seconds: readonly number[]): string =>
  Math.min(...seconds) < 600 ? range(seconds) : formatDuration(Math.max(...seconds));

/** Whether the keepalive of one side's kernel found out that the other end has gone, and when it had to. */
export function judgeNotices(facts: ActFacts, { at, side }: { at: string; side: 'client' | 'server' }): Judgement {
  const hosts = facts.hostsNamed(at);
  const wanted = facts.pool.length;
  const why = `The ${side}’s kernel asks after the idle time, again after every interval, and gives the socket up when as many probes as it was told stay without an answer: idle + probes × interval after the last packet it received (tcp_keepalive_timer).`;
  const { loss } = facts;
  const mine = side === 'server' ? 'peer' : 'local';
  const look = facts.lookInQuiet.filter(({ host }) => hosts.includes(host));
  const sockets = look.flatMap(({ host, sockets: all }) => all.map((socket) => ({ host, socket })));
  const kernel = sockets[0]?.socket.kernel;
  if (facts.notReady !== undefined || !kernel)
    return cannotTell({
      title: `when the ${side} noticed cannot be told`,
      expected: `${at} gives up each socket by its own keepalive`,
      observed: facts.notReady ?? 'the evidence is incomplete',
      why,
    });
  const promised = kernel.idleSeconds + kernel.probes * kernel.intervalSeconds;
  const expected = `${at} gives up each of ${plural(wanted, 'socket')} ${inSeconds(promised)} after the last packet it received (${kernel.idleSeconds} s idle + ${kernel.probes} probes × ${kernel.intervalSeconds} s, by getsockopt)`;
  const cases = facts.pool.map(({ local }) => {
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
  const right = cases.filter((each) => each.right);
  const ok = kernel.keepalive && right.length === wanted;
  const [example] = ok ? right : cases;
  const waits = cases.map(({ waited }) => waited).filter((waited) => waited !== undefined);
  const ends = cases.flatMap(({ end }) => (end ? [facts.at(end.time)] : []));
  return {
    status: ok ? 'pass' : 'fail',
    title: ok
      ? `${at} noticed ${spoken(waits)} after the last sign of life`
      : `${at} did not notice as its keepalive promises`,
    expected,
    observed: `${ends.length} of ${wanted} sockets ended by their keepalive${waits.length > 0 ? `, ${range(waits)} after the last packet received${loss ? `, ${range(ends.map((end) => end + facts.evidence.record.from - loss.from))} after ${loss.text}` : ''}` : ''}; unanswered probes: ${cases.map(({ probes }) => probes.length).join(', ')}`,
    why,
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
