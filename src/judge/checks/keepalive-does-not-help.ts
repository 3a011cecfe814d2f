import { z } from 'zod';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import { heartbeat } from '../remedy.ts';
import { inSeconds, plural } from '../words.ts';

export default defineCheck({
  about:
    'keepalive probes are sent and answered by the proxy’s own kernel, none reaches the server, and the session ends all the same',
  params: z.strictObject(ABOUT),
  needs: [],
  question: () => 'whether keepalive helps',
  says: (facts) => ({
    expected: `every connection probes while it is quiet, ${facts.boxNames('L7')}'s kernel answers every probe, no probe gets to a server, and ${facts.boxNames('L7')} closes all the same`,
    why: 'A TCP keepalive is answered by the kernel at the other end of the connection, and that is the proxy’s. It carries no byte, so the proxy’s program never hears of it and its timers go on counting. No TCP setting fixes this.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    if (facts.pool.some((connection) => facts.boxOn(connection, 'L7') === undefined))
      return { unknown: 'no proxy stands on the path' };
    const { cases, right, ok } = judgeEach(facts.pool, wanted, (connection) => {
      const { name: proxy } = facts.boxOn(connection, 'L7') as MiddleboxPlan;
      const mine = facts.journeysOf(connection.local);
      const fin = mine.find((journey) => journey.from === proxy && journey.first.flags.includes('F'));
      const end = fin?.first.time ?? facts.evidence.record.to;
      const probes = mine.filter(
        (journey) =>
          journey.from === connection.client && journey.first.name === 'keepalive probe' && journey.first.time < end,
      );
      const answers = mine.filter(
        (journey) =>
          journey.from === proxy && journey.first.name === 'keepalive answer' && journey.first.time <= end + 0.1,
      );
      const passedOn = probes.filter((probe) => probe.to !== proxy).length;
      return {
        fin,
        probes,
        answers,
        passedOn,
        right: fin !== undefined && probes.length >= 2 && answers.length === probes.length && passedOn === 0,
      };
    });
    const sum = (pick: (each: (typeof cases)[number]) => number) =>
      cases.reduce((total, each) => total + pick(each), 0);
    const [example] = right.length > 0 ? right : cases;
    const asked = facts.plan.tuning[facts.clients[0] ?? '']?.keepalive;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `keepalive every ${typeof asked === 'object' ? inSeconds(asked.idleSeconds) : 'second'} did not help: no TCP setting fixes this`
        : 'keepalive did not behave as expected behind this proxy',
      observed: `${plural(
        sum(({ probes }) => probes.length),
        'probe',
      )} on ${plural(wanted, 'connection')}, ${sum(({ answers }) => answers.length)} answered by ${facts.boxNames('L7')}'s kernel, ${sum(({ passedOn }) => passedOn)} passed on to a server; ${cases.filter(({ fin }) => fin).length} of ${wanted} sessions closed by ${facts.boxNames('L7')} all the same`,
      remedy: ok ? heartbeat(facts) : [],
      evidence: example
        ? [
            ...example.probes
              .slice(-1)
              .map((probe) =>
                facts.packet(probe.first, 'a keepalive probe: it goes no further than the proxy’s kernel'),
              ),
            ...example.answers
              .slice(-1)
              .map((answer) =>
                facts.packet(answer.first, 'the proxy’s kernel answers; the proxy’s program never hears of it'),
              ),
            ...(example.fin ? [facts.packet(example.fin.first, 'closed all the same')] : []),
          ]
        : [],
    };
  },
});
