import { z } from 'zod';
import { flagText } from '../../wire/segments.ts';
import { cannotTell, defineCheck } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { plural, tally } from '../words.ts';

const WHY = {
  'wrong-broker':
    'A packet in the middle of a connection that the balancer has forgotten is balanced like a new one. The broker it reaches has no such socket, so its kernel must answer RST (RFC 9293, 3.5.2), which means: who are you? The broker that does have the socket hears nothing.',
  balancer:
    'The balancer no longer knows the connection, so it answers the late packet with a RST of its own. The reset goes to whoever spoke; the other end hears nothing and keeps its socket.',
} as const;

export default defineCheck({
  about:
    'the first packet after the expiry is answered with RST, by a broker that never saw the connection or by the balancer itself',
  params: z.strictObject({ by: z.enum(['wrong-broker', 'balancer']) }),
  judge(facts, { by }) {
    const wanted = facts.pool.length;
    const who = by === 'balancer' ? `${facts.box.name} itself` : 'a broker that never saw the connection';
    const expected = `the first packet of each of ${plural(wanted, 'connection')} after the expiry is reset by ${who}, and the client gets ECONNRESET`;
    const why = WHY[by];
    if (facts.notReady !== undefined)
      return cannotTell({ title: 'what a late packet meets cannot be told', expected, observed: facts.notReady, why });
    const cases = facts.latePackets.map(({ connection, flow, late, answer }) => {
      const home = facts.hostOf(flow.server);
      const answeredBy = answer?.from;
      const right =
        by === 'balancer'
          ? answeredBy === facts.box.name && late.to === facts.box.name
          : answeredBy !== undefined &&
            facts.brokers.includes(answeredBy) &&
            answeredBy !== home &&
            late.to === answeredBy;
      const request = facts.morningOn(connection.local);
      // Where the client did not speak first it has nothing to notice.
      const noticed = late.from === facts.client ? (request ? request.met : connection.failure) : 'reset';
      return { connection, home, late, answer, answeredBy, noticed, right: right && noticed === 'reset' };
    });
    const unclassified = cases.filter(({ noticed }) => noticed === 'unclassified').length;
    if (unclassified > 0)
      return cannotTell({
        title: 'what a late packet meets cannot be told',
        expected,
        observed: `what ${plural(unclassified, 'connection')} met was not classified by this run's client: play the scenario again`,
        why,
      });
    const right = cases.filter((each) => each.right);
    const ok = right.length === wanted;
    const [example] = ok ? right : cases;
    const words = facts.morning.map(({ code }) => code);
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${plural(wanted, 'late packet')} met a RST from ${who}`
        : 'the late packets did not meet the RST that was expected',
      expected,
      observed:
        cases.length === 0
          ? `no packet was late: the flows were not forgotten before the next packet${words.length > 0 ? ` (the requests after the quiet met: ${tally(words)})` : ''}`
          : `${right.length} of ${wanted} as expected; reset by ${tally(cases.map(({ answeredBy, home }) => (answeredBy === undefined ? 'nobody' : answeredBy === home ? `${answeredBy} (the right one)` : answeredBy)))}; the requests after the quiet met: ${tally(words)}`,
      why,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            facts.packet(
              example.late.first,
              `late packet (${flagText(example.late.first.flags)}): the middlebox has forgotten this flow, which led to ${example.home}`,
            ),
            ...(example.answer
              ? [
                  facts.packet(
                    example.answer.first,
                    by === 'balancer'
                      ? `RST by ${example.answeredBy}: it knows no such flow`
                      : `RST by ${example.answeredBy}: "who are you?" It never saw this connection`,
                  ),
                ]
              : []),
          ]
        : [],
    };
  },
});
