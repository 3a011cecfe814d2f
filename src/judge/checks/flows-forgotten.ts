import { z } from 'zod';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import { ABOUT, defineCheck } from '../check.ts';
import type { FlowLife } from '../facts.ts';
import { longerPatience } from '../remedy.ts';
import { plural, range, tally } from '../words.ts';

/** conntrack counts whole seconds, and shows an expiry only when it is looked at. */
const TOLERANCE_SECONDS = 1.1;

export default defineCheck({
  about: 'the middlebox forgets every flow of the pool after its idle timeout, while both ends keep their sockets',
  params: z.strictObject(ABOUT),
  needs: [],
  question: () => 'whether the flows were forgotten',
  says: (facts) => ({
    expected: `${facts.boxNames('L4')} forgets all ${plural(facts.pool.length, 'flow')} after ${range(facts.boxesAsked('L4').map(({ timers }) => timers.idleSeconds))} without a packet`,
    why: 'A middlebox keeps a table of flows and drops the ones that stay idle longer than its patience. It notifies neither side: no FIN, no RST. Both kernels go on believing in the connection.',
  }),
  judge(facts) {
    const flows = facts.pool.map((connection) => {
      const box = facts.boxOn(connection, 'L4');
      return { connection, box, flow: box && facts.flowOf(connection, box.name) };
    });
    const untold = flows.filter(({ flow }) => flow === undefined).length;
    if (untold > 0) return { unknown: `connection tracking told nothing of ${plural(untold, 'flow')}` };
    const { quiet } = facts;
    const lives = flows.map(({ connection, box, flow }) => {
      const life = flow as FlowLife;
      const { idleSeconds } = (box as MiddleboxPlan).timers;
      const gone = life.destroyed;
      const lastSeen = facts
        .journeysOf(life.leg.end)
        .filter((journey) => journey.from !== life.box)
        .flatMap((journey) =>
          journey.hops.filter((hop) => hop.host === life.box && hop.time < (gone?.time ?? Number.POSITIVE_INFINITY)),
        )
        .at(-1);
      const silence = gone && lastSeen ? gone.time - lastSeen.time : undefined;
      // The last look of the quiet is part of it, however long it takes: what counts is the next packet.
      const morning = facts.morning[0]?.startedAt ?? (quiet?.to ?? 0) + 0.5;
      const inQuiet = gone !== undefined && quiet !== undefined && gone.time >= quiet.from && gone.time <= morning;
      const asPlanned =
        Math.abs((life.patienceSeconds ?? Number.NaN) - idleSeconds) <= TOLERANCE_SECONDS &&
        (silence ?? 0) >= idleSeconds - TOLERANCE_SECONDS;
      return {
        life,
        local: connection.local,
        gone,
        silence,
        lastSeen,
        ok: inQuiet && gone?.reason === 'idle-timeout' && asPlanned,
      };
    });
    const others = [...new Set(facts.pool.flatMap((each) => facts.forgottenFlows(each).map(({ box }) => box)))].filter(
      (name) => !lives.some(({ life }) => life.box === name),
    );
    const forgotten = lives.filter(({ ok }) => ok);
    const kept = lives.filter(({ gone }) => gone === undefined);
    const [example] = lives;
    const timer = `its timer said ${range(lives.flatMap(({ life }) => life.patienceSeconds ?? []))}`;
    const ok = lives.length > 0 && forgotten.length === lives.length;
    const also = others.length > 0 ? `; ${others.join(' and ')} forgot some too` : '';
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${facts.boxNames('L4')} dropped ${plural(forgotten.length, 'idle flow')} without notifying either side`
        : `${facts.boxNames('L4')} did not forget the flows as it should`,
      observed: ok
        ? `all ${plural(lives.length, 'flow')} gone by idle timeout, at most ${range(lives.map(({ silence }) => silence ?? 0))} after the last packet; ${timer}${also}`
        : `${forgotten.length} of ${lives.length} forgotten as expected${kept.length > 0 ? `, ${kept.length} still remembered at the end` : ''}; ${timer}${lives.some(({ gone }) => gone) ? `; ended by ${tally(lives.map(({ gone }) => gone?.reason ?? 'nothing'))}` : ''}${also}`,
      remedy: ok ? longerPatience(facts) : [],
      evidence: [
        ...(example?.lastSeen
          ? [facts.packet(example.lastSeen, 'the last packet that the middlebox saw of this flow before it forgot it')]
          : []),
        ...(example?.gone
          ? [
              {
                flow: example.life.box,
                at: facts.at(example.gone.time),
                note: `conntrack DESTROY of ${example.local}: ${example.gone.reason}`,
              },
            ]
          : []),
      ],
    };
  },
});
