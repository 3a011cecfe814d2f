import { z } from 'zod';
import { flagText, isRetransmission } from '../../wire/segments.ts';
import { cannotTell, defineCheck } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { countRange, plural, tally } from '../words.ts';

export default defineCheck({
  about: 'packets after the expiry vanish in the middlebox: no answer, no RST, only retransmissions',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const expected = `the first packet of each of ${plural(wanted, 'connection')} after the expiry, and its retransmissions, end in ${facts.box.name} unanswered`;
    const why =
      'The middlebox has forgotten the flow and drops what belongs to none, in silence. To the sender it looks like loss, so its kernel retransmits with doubling pauses, and the application waits.';
    if (facts.notReady !== undefined)
      return cannotTell({ title: 'what a late packet meets cannot be told', expected, observed: facts.notReady, why });
    const cases = facts.latePackets.map(({ connection, late, answer }) => {
      const again = facts
        .journeysOf(connection.local)
        .filter(
          (journey) =>
            journey.first.time > late.first.time &&
            journey.from === late.from &&
            journey.first.seq === late.first.seq &&
            isRetransmission(journey.first.name),
        );
      return {
        late,
        answer,
        again,
        right:
          late.lost && late.to === facts.box.name && answer === undefined && again.every((journey) => journey.lost),
      };
    });
    const right = cases.filter((each) => each.right);
    const ok = right.length === wanted;
    const [example] = ok ? right : cases;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${plural(wanted, 'late packet')} vanished in ${facts.box.name}`
        : 'the late packets did not vanish as expected',
      expected,
      observed:
        cases.length === 0
          ? 'no packet was late: the flows were not forgotten before the next packet'
          : `${right.length} of ${wanted} as expected; answers: ${tally(cases.map(({ answer }) => (answer ? `RST by ${answer.from}` : 'none')))}; retransmissions of each: ${countRange(cases.map(({ again }) => again.length))}`,
      why,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            facts.packet(
              example.late.first,
              `late packet (${flagText(example.late.first.flags)}) into the black hole: nothing comes out of ${facts.box.name}`,
            ),
            ...example.again
              .slice(0, 2)
              .map((journey, index) =>
                facts.packet(journey.first, `retransmission ${index + 1} of the late packet, dropped too`),
              ),
          ]
        : [],
    };
  },
});
