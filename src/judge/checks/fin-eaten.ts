import { z } from 'zod';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import { serverKeepalive } from '../remedy.ts';
import { plural, tally } from '../words.ts';

export default defineCheck({
  about: 'the client closes, and its FIN never reaches the server',
  params: z.strictObject(ABOUT),
  needs: [],
  question: () => 'whether the FIN was lost',
  says: (facts) => ({
    expected: `the FIN of each of ${plural(facts.pool.length, 'connection')} ends in ${facts.about.box ?? (facts.boxNames() || 'a box')}, and so do its retransmissions`,
    why: 'A FIN is one packet like any other. When a firewall drops it (it forgot the flow, it was reloaded, a rule says DROP), the client’s kernel repeats it for a while, gives up and forgets; the server has heard nothing and waits.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    const { loss } = facts;
    if (!loss) return { unknown: 'nobody closed anything' };
    const boxes = new Set(facts.pool.flatMap((each) => facts.boxesOf(each)).map(({ name }) => name));
    const eats = (host: string) => (facts.about.box === undefined ? boxes.has(host) : host === facts.about.box);
    const { cases, right, ok, example } = judgeEach(facts.pool, wanted, ({ client, local }) => {
      const fins = facts
        .journeysOf(local)
        .filter(
          (journey) =>
            journey.from === client &&
            journey.first.outgoing &&
            journey.first.flags.includes('F') &&
            journey.first.time >= loss.from,
        );
      return { client, local, fins, right: fins.length > 0 && fins.every((fin) => fin.lost && eats(fin.to)) };
    });
    const eaters = [...new Set(right.flatMap(({ fins }) => fins.map(({ to }) => to)))].join(' and ');
    const last = facts.lastLook.filter(({ host }) => facts.clients.includes(host));
    const stateOf = new Map(last.flatMap(({ sockets }) => sockets).map(({ local, state }) => [local, state]));
    const states = facts.pool.map(({ local }) => stateOf.get(local) ?? 'gone');
    return {
      status: ok ? 'pass' : 'fail',
      title: ok ? `${eaters} dropped ${plural(wanted, 'FIN')}` : 'the FIN was not lost as expected',
      observed: `${right.length} of ${wanted} as expected; ${plural(
        cases.reduce((sum, { fins }) => sum + fins.length, 0),
        'FIN',
      )} sent, retransmissions included, ${cases.reduce((sum, { fins }) => sum + fins.filter((fin) => !fin.lost).length, 0)} arrived; the client's sockets at the end: ${tally(states)}`,
      remedy: ok ? serverKeepalive(facts) : [],
      evidence: example
        ? example.fins
            .slice(0, 2)
            .map((fin, index) =>
              facts.packet(
                fin.first,
                index === 0
                  ? `the client's FIN: ${fin.lost ? `dropped by ${fin.to}` : `it reached ${fin.to}`}`
                  : 'the FIN once more: dropped too',
              ),
            )
        : [],
    };
  },
});
