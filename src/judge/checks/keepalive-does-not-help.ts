import { z } from 'zod';
import { cannotTell, defineCheck } from '../check.ts';
import { heartbeat } from '../remedy.ts';
import { inSeconds, plural } from '../words.ts';

export default defineCheck({
  about:
    'keepalive probes are sent and answered by the proxy’s own kernel, none reaches the broker, and the session ends all the same',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const expected = `every connection probes while it is quiet, ${facts.box.name}'s kernel answers every probe, no probe gets to a broker, and ${facts.box.name} closes all the same`;
    const why =
      'A TCP keepalive is answered by the kernel at the other end of the connection, and that is the proxy’s. It carries no byte, so the proxy’s program never hears of it and its timers go on counting. No TCP setting fixes this.';
    if (facts.notReady !== undefined)
      return cannotTell({ title: 'whether keepalive helps cannot be told', expected, observed: facts.notReady, why });
    const cases = facts.pool.map((connection) => {
      const mine = facts.journeysOf(connection.local);
      const fin = mine.find((journey) => journey.from === facts.box.name && journey.first.flags.includes('F'));
      const end = fin?.first.time ?? facts.evidence.record.to;
      const probes = mine.filter(
        (journey) =>
          journey.from === facts.client && journey.first.name === 'keepalive probe' && journey.first.time < end,
      );
      const answers = mine.filter(
        (journey) =>
          journey.from === facts.box.name &&
          journey.first.name === 'keepalive answer' &&
          journey.first.time <= end + 0.1,
      );
      return { fin, probes, answers, passedOn: probes.filter((probe) => probe.to !== facts.box.name).length };
    });
    const right = cases.filter(
      ({ fin, probes, answers, passedOn }) =>
        fin !== undefined && probes.length >= 2 && answers.length === probes.length && passedOn === 0,
    );
    const ok = right.length === wanted;
    const sum = (pick: (each: (typeof cases)[number]) => number) =>
      cases.reduce((total, each) => total + pick(each), 0);
    const [example] = right.length > 0 ? right : cases;
    const asked = facts.plan.tuning[facts.client]?.keepalive;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `keepalive every ${typeof asked === 'object' ? inSeconds(asked.idleSeconds) : 'second'} did not help: no TCP setting fixes this`
        : 'keepalive did not behave as expected behind this proxy',
      expected,
      observed: `${plural(
        sum(({ probes }) => probes.length),
        'probe',
      )} on ${plural(wanted, 'connection')}, ${sum(({ answers }) => answers.length)} answered by ${facts.box.name}'s kernel, ${sum(({ passedOn }) => passedOn)} passed on to a broker; ${cases.filter(({ fin }) => fin).length} of ${wanted} sessions closed by ${facts.box.name} all the same`,
      why,
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
