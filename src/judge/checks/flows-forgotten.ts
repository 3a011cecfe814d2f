import { z } from 'zod';
import { cannotTell, defineCheck } from '../check.ts';
import { longerPatience } from '../remedy.ts';
import { inSeconds, plural, range, tally } from '../words.ts';

/** conntrack counts whole seconds, and shows an expiry only when it is looked at. */
const TOLERANCE_SECONDS = 1.1;

export default defineCheck({
  about: 'the middlebox forgets every flow of the pool after its idle timeout, while both ends keep their sockets',
  params: z.strictObject({}),
  judge(facts) {
    const idle = facts.box.timers.idleSeconds;
    const expected = `${facts.box.name} forgets all ${plural(facts.pool.length, 'flow')} after ${inSeconds(idle)} without a packet`;
    const why =
      'A middlebox keeps a table of flows and drops the ones that stay idle longer than its patience. It notifies neither side: no FIN, no RST. Both kernels go on believing in the connection.';
    const flows = facts.pool.map((connection) => ({ connection, flow: facts.flowOf(connection) }));
    const untold = flows.filter(({ flow }) => flow === undefined).length;
    if (facts.notReady !== undefined || untold > 0)
      return cannotTell({
        title: 'whether the flows were forgotten cannot be told',
        expected,
        observed: facts.notReady ?? `connection tracking told nothing of ${plural(untold, 'flow')}`,
        why,
      });
    const { quiet } = facts;
    const lives = flows.map(({ connection, flow }) => {
      const life = flow as NonNullable<typeof flow>;
      const gone = life.destroyed;
      const lastSeen = facts
        .journeysOf(connection.local)
        .filter((journey) => journey.from !== facts.box.name)
        .flatMap((journey) =>
          journey.hops.filter(
            (hop) => hop.host === facts.box.name && hop.time < (gone?.time ?? Number.POSITIVE_INFINITY),
          ),
        )
        .at(-1);
      const silence = gone && lastSeen ? gone.time - lastSeen.time : undefined;
      // The last look of the quiet is part of it, however long it takes: what counts is the next packet.
      const morning = facts.morning[0]?.startedAt ?? (quiet?.to ?? 0) + 0.5;
      const inQuiet = gone !== undefined && quiet !== undefined && gone.time >= quiet.from && gone.time <= morning;
      const asPlanned =
        Math.abs(life.patienceSeconds - idle) <= TOLERANCE_SECONDS && (silence ?? 0) >= idle - TOLERANCE_SECONDS;
      return { life, gone, silence, lastSeen, ok: inQuiet && gone?.reason === 'idle-timeout' && asPlanned };
    });
    const forgotten = lives.filter(({ ok }) => ok);
    const kept = lives.filter(({ gone }) => gone === undefined);
    const [example] = lives;
    const timer = `its timer said ${range(lives.map(({ life }) => life.patienceSeconds))}`;
    const ok = forgotten.length === lives.length;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${facts.box.name} dropped ${plural(forgotten.length, 'idle flow')} without notifying either side`
        : `${facts.box.name} did not forget the flows as it should`,
      expected,
      observed: ok
        ? `all ${plural(lives.length, 'flow')} gone by idle timeout, at most ${range(lives.map(({ silence }) => silence ?? 0))} after the last packet; ${timer}`
        : `${forgotten.length} of ${lives.length} forgotten as expected${kept.length > 0 ? `, ${kept.length} still remembered at the end` : ''}; ${timer}${lives.some(({ gone }) => gone) ? `; ended by ${tally(lives.map(({ gone }) => gone?.reason ?? 'nothing'))}` : ''}`,
      why,
      remedy: ok ? longerPatience(facts) : [],
      evidence: [
        ...(example?.lastSeen
          ? [facts.packet(example.lastSeen, 'the last packet that the middlebox saw of this flow before it forgot it')]
          : []),
        ...(example?.gone
          ? [
              {
                flow: facts.box.name,
                at: facts.at(example.gone.time),
                note: `conntrack DESTROY of ${example.life.local}: ${example.gone.reason}`,
              },
            ]
          : []),
      ],
    };
  },
});
