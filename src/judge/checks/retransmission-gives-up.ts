import { z } from 'zod';
import { isRetransmission } from '../../wire/segments.ts';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { countRange, inSeconds, plural, range, tally } from '../words.ts';

export default defineCheck({
  about: 'a command hangs until the kernel’s retransmissions give up, and then fails with ETIMEDOUT',
  params: z.strictObject(ABOUT),
  needs: ['requests'],
  question: () => 'whether retransmission gave up',
  says: (facts) => ({
    expected: `each of ${plural(facts.morning.length, 'command')} hangs until the kernel has retransmitted in vain, then ETIMEDOUT`,
    why: 'Without a timeout of its own the library waits for the kernel. The kernel doubles the pause after every retransmission and gives up when net.ipv4.tcp_retries2 says so: 15 by default, which is at least 924.6 s (tcp_model_timeout). That is the quarter of an hour in so many incident reports.',
  }),
  judge(facts) {
    const wanted = facts.morning.length;
    const retries = facts.plan.tuning[facts.clients[0] ?? '']?.tcpRetries2;
    const unclear = wanted === 0 ? 'no command after the quiet' : facts.unclassified(facts.morning);
    if (unclear !== undefined) return { unknown: unclear };
    const { cases, right, ok, example } = judgeEach(facts.morning, wanted, (request) => {
      const again = facts
        .journeysOf(request.local ?? '')
        .filter(
          (journey) =>
            journey.from === request.client &&
            journey.first.outgoing &&
            isRetransmission(journey.first.name) &&
            journey.first.time >= request.startedAt &&
            journey.first.time <= (request.outcomeAt ?? Number.POSITIVE_INFINITY),
        );
      return {
        request,
        again,
        hang: (request.outcomeAt ?? facts.evidence.record.to) - request.startedAt,
        right: request.met === 'kernel-timeout' && again.length >= 2,
      };
    });
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `the commands hung for ${range(right.map(({ hang }) => hang))}, until retransmission gave up`
        : 'retransmission did not give up as expected',
      observed: `${right.length} of ${wanted} as expected, after ${countRange(cases.map(({ again }) => again.length))} retransmissions in ${range(cases.map(({ hang }) => hang))}; met: ${tally(facts.morning.map(({ code }) => code))}${retries === undefined ? '' : `; this host has net.ipv4.tcp_retries2 = ${retries} (production: 15, 924.6 s at least)`}`,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            ...example.again
              .slice(-1)
              .map((journey) =>
                facts.packet(
                  journey.first,
                  `the last retransmission (number ${example.again.length}), ${inSeconds(journey.first.time - example.request.startedAt)} after the command`,
                ),
              ),
            ...(example.request.outcomeAt === undefined
              ? []
              : [
                  {
                    event: example.request.client,
                    at: facts.at(example.request.outcomeAt),
                    note: `${example.request.id}: ${example.request.words}`,
                  },
                ]),
          ]
        : [],
    };
  },
});
