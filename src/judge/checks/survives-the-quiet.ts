import { z } from 'zod';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import type { ActFacts } from '../facts.ts';
import { clientKeepalive, heartbeat } from '../remedy.ts';
import { inSeconds, plural, range, tally } from '../words.ts';

const quietOf = ({ quiet }: ActFacts) => (quiet ? quiet.to - quiet.from : 0);

/** Whether a proxy is what would forget first: it counts bytes, whatever boxes stand beside it. */
const behindProxy = (facts: ActFacts) => facts.boxesAsked().some(({ layer }) => layer === 'L7');

/** The boxes that would forget first, by their own account. */
const shortestBoxes = (facts: ActFacts) =>
  [...new Set(facts.pool.flatMap((connection) => facts.patienceOf(connection)?.box ?? []))].join(' and ');

export default defineCheck({
  about:
    'every connection of the pool is alive after the quiet: the next request is answered on the very same TCP connection',
  params: z.strictObject(ABOUT),
  needs: ['requests'],
  question: () => 'whether the pool survived',
  says: (facts) => ({
    expected: `after ${inSeconds(quietOf(facts))} of quiet, all ${plural(facts.pool.length, 'connection')} answer as if nothing had happened, although ${facts.boxNames()} forgets sooner`,
    why: behindProxy(facts)
      ? 'A proxy counts bytes of the application. A heartbeat sends some before its patience ends, so the session never becomes idle.'
      : 'Every keepalive probe passes through the middlebox and restarts the flow’s timer; the flow never becomes idle for long enough to be forgotten.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    const quietSeconds = quietOf(facts);
    const proxy = behindProxy(facts);
    if (facts.morning.length < wanted)
      return { unknown: `only ${facts.morning.length} of ${wanted} connections were used after the quiet` };
    const patience = facts.pool.map((connection) => facts.patienceOf(connection)?.seconds);
    if (patience.includes(undefined))
      return {
        unknown: `${facts.boxNames()} did not say how long it would remember ${plural(patience.filter((each) => each === undefined).length, 'connection')}`,
      };
    const told = patience as number[];
    const inDanger = Math.max(...told) < quietSeconds;
    // A box that said nothing may be the one with the shortest patience.
    if (
      !inDanger &&
      facts.pool.some((each) => facts.boxesOf(each).some(({ name }) => facts.patienceAt(each, name) === undefined))
    )
      return { unknown: 'not every box on the path said how long it would remember' };
    const first = new Map(facts.morning.map((request) => [`${request.client} ${request.connection}`, request]));
    const { cases, right: alive } = judgeEach(facts.pool, wanted, (connection) => {
      const request = first.get(`${connection.client} ${connection.connection}`);
      return {
        request,
        right:
          request?.outcome === 'ok' &&
          request.local === connection.local &&
          (connection.closedAt ?? Number.POSITIVE_INFINITY) > (request.repliedAt ?? 0),
      };
    });
    const probes = [...new Set(facts.pool.flatMap(({ local }) => facts.probesOf(local)))].filter(
      (probe) => facts.quiet && probe.first.time >= facts.quiet.from && probe.first.time <= facts.quiet.to,
    );
    const ok = alive.length === wanted && inDanger;
    const firstProbe = probes.find((probe) => facts.clients.includes(probe.from)) ?? probes[0];
    const replies = alive.map(({ request }) => (request?.repliedAt ?? 0) - (request?.startedAt ?? 0));
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `the pool survived the quiet: ${alive.length} of ${wanted} connections answered at once`
        : inDanger
          ? 'the pool did not survive the quiet'
          : 'nothing was survived: the middlebox was never going to forget',
      observed: `${alive.length} of ${wanted} answered on the same connection${replies.length > 0 ? ` within ${inSeconds(Math.max(...replies))}` : ''}${alive.length < wanted ? ` (${tally(cases.filter(({ right }) => !right).map(({ request }) => (request?.outcome === 'ok' ? 'answered on another connection' : (request?.words ?? 'no request'))))})` : ''}; ${shortestBoxes(facts)}'s patience was ${range(told)}; ${plural(probes.length, 'keepalive probe')} in the quiet`,
      remedy: ok ? (proxy ? heartbeat(facts) : clientKeepalive(facts)) : [],
      evidence:
        firstProbe && !proxy
          ? [facts.packet(firstProbe.first, 'the first keepalive probe: it restarts the flow’s timer')]
          : [],
    };
  },
});
