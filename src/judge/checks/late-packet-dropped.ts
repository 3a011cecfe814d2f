import { z } from 'zod';
import { flagText, isRetransmission } from '../../wire/segments.ts';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { countRange, plural, tally, untoldText } from '../words.ts';

export default defineCheck({
  about: 'packets after the expiry vanish in the middlebox: no answer, no RST, only retransmissions',
  params: z.strictObject(ABOUT),
  needs: [],
  question: () => 'what a late packet meets',
  says: (facts) => ({
    expected: `the first packet of each of ${plural(facts.pool.length, 'connection')} after the expiry, and its retransmissions, end in ${facts.boxNames('L4')} unanswered`,
    why: 'The middlebox has forgotten the flow and drops what belongs to none, in silence. To the sender it looks like loss, so its kernel retransmits with doubling pauses, and the application waits.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    const { cases, right, ok, example } = judgeEach(
      facts.latePackets,
      wanted,
      ({ flow, forgotten, late, answer, untold }) => {
        const again = facts
          .journeysOf(flow.leg.end)
          .filter(
            (journey) =>
              journey.first.time > late.first.time &&
              journey.from === late.from &&
              journey.first.seq === late.first.seq &&
              isRetransmission(journey.first.name),
          );
        const swallowed = forgotten.includes(late.to) && late.lost && answer === undefined;
        return {
          box: late.to,
          late,
          answer,
          again,
          untold,
          right: swallowed && again.every((journey) => journey.lost),
        };
      },
    );
    const boxes = [...new Set(right.map(({ box }) => box))].join(' and ');
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${plural(wanted, 'late packet')} vanished in ${boxes}`
        : 'the late packets did not vanish as expected',
      observed:
        cases.length === 0
          ? 'no packet was late: the flows were not forgotten before the next packet'
          : `${right.length} of ${wanted} as expected; answers: ${tally(cases.map(({ answer }) => (answer ? `RST by ${answer.from}` : 'none')))}; retransmissions of each: ${countRange(cases.map(({ again }) => again.length))}${untoldText(cases.flatMap(({ untold }) => untold))}`,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            facts.packet(
              example.late.first,
              `late packet (${flagText(example.late.first.flags)}) into the black hole: nothing comes out of ${example.late.to}`,
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
