import { z } from 'zod';
import { cannotTell, defineCheck } from '../check.ts';
import { clientKeepalive, heartbeat } from '../remedy.ts';
import { inSeconds, plural, range, tally } from '../words.ts';

export default defineCheck({
  about:
    'every connection of the pool is alive after the quiet: the next request is answered on the very same TCP connection',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const quietSeconds = facts.quiet ? facts.quiet.to - facts.quiet.from : 0;
    const expected = `after ${inSeconds(quietSeconds)} of quiet, all ${plural(wanted, 'connection')} answer as if nothing had happened, although ${facts.box.name} forgets sooner`;
    const proxy = facts.box.layer === 'L7';
    const why = proxy
      ? 'A proxy counts bytes of the application. A heartbeat sends some before its patience ends, so the session never becomes idle.'
      : 'Every keepalive probe passes through the middlebox and restarts the flow’s timer; the flow never becomes idle for long enough to be forgotten.';
    const unknown = (observed: string) =>
      cannotTell({ title: 'whether the pool survived cannot be told', expected, observed, why });
    if (facts.notReady !== undefined) return unknown(facts.notReady);
    if (facts.morning.length < wanted)
      return unknown(`only ${facts.morning.length} of ${wanted} connections were used after the quiet`);
    const patience = facts.pool.map((connection) => facts.patienceOf(connection));
    if (patience.includes(undefined))
      return unknown(
        `${facts.box.name} did not say how long it would remember ${plural(patience.filter((each) => each === undefined).length, 'connection')}`,
      );
    const told = patience as number[];
    const inDanger = Math.max(...told) < quietSeconds;
    const first = new Map(facts.morning.map((request) => [request.connection, request]));
    const cases = facts.pool.map((connection) => {
      const request = first.get(connection.connection);
      return {
        connection,
        request,
        same:
          request?.outcome === 'ok' &&
          request.local === connection.local &&
          (connection.closedAt ?? Number.POSITIVE_INFINITY) > (request.repliedAt ?? 0),
      };
    });
    const alive = cases.filter(({ same }) => same);
    const probes = facts.probes.filter(
      (probe) => facts.quiet && probe.first.time >= facts.quiet.from && probe.first.time <= facts.quiet.to,
    );
    const ok = alive.length === wanted && inDanger;
    const firstProbe = probes.find((probe) => probe.from === facts.client) ?? probes[0];
    const replies = alive.map(({ request }) => (request?.repliedAt ?? 0) - (request?.startedAt ?? 0));
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `the pool survived the quiet: ${alive.length} of ${wanted} connections answered at once`
        : inDanger
          ? 'the pool did not survive the quiet'
          : 'nothing was survived: the middlebox was never going to forget',
      expected,
      observed: `${alive.length} of ${wanted} answered on the same connection${replies.length > 0 ? ` within ${inSeconds(Math.max(...replies))}` : ''}${alive.length < wanted ? ` (${tally(cases.filter(({ same }) => !same).map(({ request }) => (request?.outcome === 'ok' ? 'answered on another connection' : (request?.words ?? 'no request'))))})` : ''}; ${facts.box.name}'s patience was ${range(told)}; ${plural(probes.length, 'keepalive probe')} in the quiet`,
      why,
      remedy: ok ? (proxy ? heartbeat(facts) : clientKeepalive(facts)) : [],
      evidence:
        firstProbe && !proxy
          ? [facts.packet(firstProbe.first, 'the first keepalive probe: it restarts the flow’s timer')]
          : [],
    };
  },
});
