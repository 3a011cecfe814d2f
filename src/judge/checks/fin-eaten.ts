import { z } from 'zod';
import { cannotTell, defineCheck } from '../check.ts';
import { serverKeepalive } from '../remedy.ts';
import { plural, tally } from '../words.ts';

export default defineCheck({
  about: 'the client closes, and its FIN never reaches the server',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const expected = `the FIN of each of ${plural(wanted, 'connection')} ends in ${facts.box.name}, and so do its retransmissions`;
    const why =
      'A FIN is one packet like any other. When a firewall drops it (it forgot the flow, it was reloaded, a rule says DROP), the client’s kernel repeats it for a while, gives up and forgets; the server has heard nothing and waits.';
    const { loss } = facts;
    if (facts.notReady !== undefined || !loss)
      return cannotTell({
        title: 'whether the FIN was lost cannot be told',
        expected,
        observed: facts.notReady ?? 'nobody closed anything',
        why,
      });
    const cases = facts.pool.map(({ local }) => {
      const fins = facts
        .journeysOf(local)
        .filter(
          (journey) =>
            journey.from === facts.client &&
            journey.first.outgoing &&
            journey.first.flags.includes('F') &&
            journey.first.time >= loss.from,
        );
      return { local, fins, right: fins.length > 0 && fins.every((fin) => fin.lost && fin.to === facts.box.name) };
    });
    const right = cases.filter((each) => each.right);
    const ok = right.length === wanted;
    const [example] = ok ? right : cases;
    const last = facts.lastLook.find(({ host }) => host === facts.client);
    const stateOf = new Map(last?.sockets.map(({ local, state }) => [local, state]));
    const states = facts.pool.map(({ local }) => stateOf.get(local) ?? 'gone');
    return {
      status: ok ? 'pass' : 'fail',
      title: ok ? `${facts.box.name} dropped ${plural(wanted, 'FIN')}` : 'the FIN was not lost as expected',
      expected,
      observed: `${right.length} of ${wanted} as expected; ${plural(
        cases.reduce((sum, { fins }) => sum + fins.length, 0),
        'FIN',
      )} sent, retransmissions included, ${cases.reduce((sum, { fins }) => sum + fins.filter((fin) => !fin.lost).length, 0)} arrived; the client's sockets at the end: ${tally(states)}`,
      why,
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
