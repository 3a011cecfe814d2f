import { z } from 'zod';
import { TERMINATION } from '../../wire/haproxy-log.ts';
import { cannotTell, defineCheck } from '../check.ts';
import { heartbeat, longerPatience } from '../remedy.ts';
import { inSeconds, plural, range, tally } from '../words.ts';

/** HAProxy wakes up for its timers every second at the latest; timeouts end a little late. */
const TOLERANCE_SECONDS = 1.1;

export default defineCheck({
  about:
    'the proxy closes idle sessions at its own timeout: FIN to the client, FIN (and RST) to the server, cD or sD in its log',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const idle = facts.box.timers.idleSeconds;
    const expected = `${facts.box.name} closes each of ${plural(wanted, 'session')} after ${inSeconds(idle)} without a byte: FIN to the client, FIN to the broker (then RST, unless the broker has closed by then)`;
    const why =
      'A proxy ends idle sessions by its own timers (timeout client, timeout server) and says so politely, with FIN on both sides; a broker that is slower than the proxy gets a RST after its FIN, because the proxy will read no more. The pool notices at once, but a request that is just under way meets the closing door.';
    const unknown = (observed: string) =>
      cannotTell({ title: 'whether the proxy closed the sessions cannot be told', expected, observed, why });
    if (facts.notReady !== undefined) return unknown(facts.notReady);
    const cases = facts.pool.map((connection) => {
      const mine = facts.journeysOf(connection.local);
      const fin = mine.find(
        (journey) =>
          journey.from === facts.box.name && journey.to === facts.client && journey.first.flags.includes('F'),
      );
      const lastBytes = mine
        .filter(
          (journey) =>
            journey.first.length > 0 &&
            journey.first.name === 'data' &&
            journey.first.time < (fin?.first.time ?? Number.POSITIVE_INFINITY),
        )
        .at(-1);
      const entry = facts.proxyLogOf(connection.local);
      const leg = entry?.session?.proxy ?? facts.sessionsOf(connection.local).at(-1)?.session.proxy;
      const farSide =
        leg === undefined
          ? []
          : facts
              .journeysOf(leg)
              .filter((journey) => journey.from === facts.box.name && facts.brokers.includes(journey.to));
      const farFin = farSide.find((journey) => journey.first.flags.includes('F'));
      const farReset = farSide.find((journey) => journey.first.flags.includes('R'));
      const silence = fin && lastBytes ? fin.first.time - lastBytes.first.time : undefined;
      const termination = entry?.session?.termination;
      const right =
        silence !== undefined &&
        Math.abs(silence - idle) <= TOLERANCE_SECONDS &&
        farFin !== undefined &&
        (termination === 'cD' || termination === 'sD');
      return { connection, fin, farFin, farReset, silence, termination, entry, right };
    });
    const right = cases.filter((each) => each.right);
    const ok = right.length === wanted;
    const [example] = ok ? right : cases;
    const silences = cases.map(({ silence }) => silence).filter((silence) => silence !== undefined);
    const codes = cases.map(({ termination }) => termination ?? 'no log line');
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${facts.box.name} closed ${plural(wanted, 'idle session')} by its own timeout`
        : `${facts.box.name} did not close the sessions as expected`,
      expected,
      observed: `${right.length} of ${wanted} as expected${silences.length > 0 ? `, ${range(silences)} after the last byte` : ''}; to the brokers: ${cases.filter(({ farFin }) => farFin).length}× FIN, ${cases.filter(({ farReset }) => farReset).length}× RST; its log says ${tally(codes)}`,
      why,
      remedy: ok ? [...heartbeat(facts), ...longerPatience(facts)] : [],
      evidence: example
        ? [
            ...(example.fin
              ? [facts.packet(example.fin.first, `${facts.box.name} closes the idle session towards the client`)]
              : []),
            ...(example.farFin
              ? [facts.packet(example.farFin.first, `${facts.box.name} closes it towards the broker`)]
              : []),
            ...(example.farReset
              ? [facts.packet(example.farReset.first, 'RST after the FIN: the proxy will read nothing more')]
              : []),
            ...(example.entry
              ? [
                  {
                    flow: facts.box.name,
                    at: facts.at(example.entry.time),
                    note: `log: ${example.termination} = ${TERMINATION[example.termination ?? ''] ?? 'see the HAProxy manual'}`,
                  },
                ]
              : []),
          ]
        : [],
    };
  },
});
