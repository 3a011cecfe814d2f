import { z } from 'zod';
import { flagText } from '../../wire/segments.ts';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import type { ActFacts } from '../facts.ts';
import { clientKeepalive } from '../remedy.ts';
import { plural, tally, untoldText } from '../words.ts';

const WHY = {
  'wrong-server':
    'A packet in the middle of a connection that the balancer has forgotten is balanced like a new one. The server it reaches has no such socket, so its kernel must answer RST (RFC 9293, 3.5.2), which means: who are you? The server that does have the socket hears nothing.',
  balancer:
    'The balancer no longer knows the connection, so it answers the late packet with a RST of its own. The reset goes to whoever spoke; the other end hears nothing and keeps its socket.',
} as const;

/** `wrong-broker` is an older word for `wrong-server`, `balancer` for any box. */
const byBox = (by: string) => by === 'balancer' || by === 'box';
const whoIn = (facts: ActFacts, by: string) =>
  byBox(by) ? `${facts.boxNames('L4')} itself` : 'a server that never saw the connection';

export default defineCheck({
  about:
    'the first packet after the expiry is answered with RST, by a server that never saw the connection or by a box itself',
  params: z.strictObject({ by: z.enum(['wrong-server', 'wrong-broker', 'balancer', 'box']), ...ABOUT }),
  needs: ['requests'],
  question: () => 'what a late packet meets',
  says: (facts, { by }) => ({
    expected: `the first packet of each of ${plural(facts.pool.length, 'connection')} after the expiry is reset by ${whoIn(facts, by)}, and the client gets ECONNRESET`,
    why: WHY[byBox(by) ? 'balancer' : 'wrong-server'],
  }),
  judge(facts, { by }) {
    const wanted = facts.pool.length;
    const who = whoIn(facts, by);
    const { cases, right, ok, example } = judgeEach(
      facts.latePackets,
      wanted,
      ({ connection, flow, forgotten, late, answer, untold }) => {
        const home = facts.hostOf(flow.server);
        const answeredBy = answer?.from;
        const asAsked = byBox(by)
          ? answeredBy !== undefined && forgotten.includes(answeredBy) && late.to === answeredBy
          : answeredBy !== undefined &&
            facts.servers.includes(answeredBy) &&
            answeredBy !== home &&
            late.to === answeredBy;
        const request = facts.morningOn(connection.local);
        // Where the client did not speak first it has nothing to notice.
        const noticed = late.from === connection.client ? (request ? request.met : connection.failure) : 'reset';
        return { home, flow, late, answer, answeredBy, noticed, untold, right: asAsked && noticed === 'reset' };
      },
    );
    const unclassified = cases.filter(({ noticed }) => noticed === 'unclassified').length;
    if (unclassified > 0)
      return {
        unknown: `what ${plural(unclassified, 'connection')} met was not classified by this run's client: play the scenario again`,
      };
    const words = facts.morning.map(({ code }) => code);
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${plural(wanted, 'late packet')} met a RST from ${who}`
        : 'the late packets did not meet the RST that was expected',
      observed:
        cases.length === 0
          ? `no packet was late: the flows were not forgotten before the next packet${words.length > 0 ? ` (the requests after the quiet met: ${tally(words)})` : ''}`
          : `${right.length} of ${wanted} as expected; reset by ${tally(cases.map(({ answeredBy, home }) => (answeredBy === undefined ? 'nobody' : answeredBy === home ? `${answeredBy} (the right one)` : answeredBy)))}${untoldText(cases.flatMap(({ untold }) => untold))}; the requests after the quiet met: ${tally(words)}`,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            facts.packet(
              example.late.first,
              `late packet (${flagText(example.late.first.flags)}): ${example.flow.box} has forgotten this flow, which led to ${example.home}`,
            ),
            ...(example.answer
              ? [
                  facts.packet(
                    example.answer.first,
                    byBox(by)
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
