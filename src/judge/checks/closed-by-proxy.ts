import { z } from 'zod';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import { endedByTimer, TERMINATION } from '../../wire/haproxy-log.ts';
import type { Journey } from '../../wire/journeys.ts';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import type { ActFacts } from '../facts.ts';
import { heartbeat, longerPatience } from '../remedy.ts';
import { plural, range, tally } from '../words.ts';

/** Proxies wake up for their timers every second at the latest; timeouts end a little late. */
const TOLERANCE_SECONDS = 1.1;
/** The two legs of a session are closed within. */
const AT_ONCE_SECONDS = 1;

export default defineCheck({
  about:
    'the proxy closes idle sessions at its own timeout: FIN to the client, FIN (and RST) to the server, and its log agrees',
  params: z.strictObject(ABOUT),
  needs: [],
  question: () => 'whether the proxy closed the sessions',
  says: (facts) => ({
    expected: `${facts.boxNames('L7')} closes each of ${plural(facts.pool.length, 'session')} after ${range(facts.boxesAsked('L7').map(({ timers }) => timers.idleSeconds))} without a byte: FIN to the client, FIN to the server (then RST, unless the server has closed by then)`,
    why: 'A proxy ends idle sessions by its own timers (timeout client, timeout server; proxy_timeout) and says so politely, with FIN on both sides; a server that is slower than the proxy gets a RST after its FIN, because the proxy will read no more. The pool notices at once, but a request that is just under way meets the closing door.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    if (facts.pool.some((connection) => facts.boxOn(connection, 'L7') === undefined))
      return { unknown: 'no proxy stands on the path' };
    const { cases, right, ok, example } = judgeEach(facts.pool, wanted, (connection) => {
      const proxy = facts.boxOn(connection, 'L7') as MiddleboxPlan;
      const { near, far } = facts.legsAt(connection, proxy);
      const mine = facts.journeysOf(near.end);
      const fin = mine.find(
        (journey) => journey.from === proxy.name && journey.to === near.from && journey.first.flags.includes('F'),
      );
      const lastBytes = mine.findLast(
        (journey) =>
          journey.first.length > 0 &&
          journey.first.name === 'data' &&
          journey.first.time < (fin?.first.time ?? Number.POSITIVE_INFINITY),
      );
      const entry = facts.proxyLogOf(connection, proxy.name);
      const farSide =
        far === undefined ? unpaired(facts, proxy.name, near.end, fin?.first.time) : facts.journeysOf(far.end);
      const sent = farSide.filter(({ from, to }) => from === proxy.name && to !== near.from);
      const farFin = sent.find((journey) => journey.first.flags.includes('F'));
      const farReset = sent.find((journey) => journey.first.flags.includes('R'));
      const silence = fin && lastBytes ? fin.first.time - lastBytes.first.time : undefined;
      const termination = entry?.session?.termination;
      const silent = silence !== undefined && Math.abs(silence - proxy.timers.idleSeconds) <= TOLERANCE_SECONDS;
      return {
        proxy: proxy.name,
        fin,
        farFin,
        farReset,
        silence,
        termination,
        entry,
        // A proxy that says why it ended sessions must have said so of this one.
        right: silent && farFin !== undefined && (facts.logs(proxy.name) ? endedByTimer(termination) : true),
      };
    });
    const silences = cases.flatMap(({ silence }) => silence ?? []);
    const logged = cases.filter(({ proxy }) => facts.logs(proxy));
    const codes = logged.map(({ termination }) => termination ?? 'no log line');
    const names = facts.boxNames('L7');
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${names} closed ${plural(wanted, 'idle session')} by its own timeout`
        : `${names} did not close the sessions as expected`,
      observed: `${right.length} of ${wanted} as expected${silences.length > 0 ? `, ${range(silences)} after the last byte` : ''}; to the servers: ${cases.filter(({ farFin }) => farFin).length}× FIN, ${cases.filter(({ farReset }) => farReset).length}× RST${codes.length > 0 ? `; its log says ${tally(codes)}` : '; it logs no reasons'}`,
      remedy: ok ? [...heartbeat(facts), ...longerPatience(facts)] : [],
      evidence: example
        ? [
            ...(example.fin
              ? [facts.packet(example.fin.first, `${example.proxy} closes the idle session towards the client`)]
              : []),
            ...(example.farFin
              ? [facts.packet(example.farFin.first, `${example.proxy} closes it towards the server`)]
              : []),
            ...(example.farReset
              ? [facts.packet(example.farReset.first, 'RST after the FIN: the proxy will read nothing more')]
              : []),
            ...(example.entry
              ? [
                  {
                    flow: example.proxy,
                    at: facts.at(example.entry.time),
                    note: `log: ${example.termination} = ${TERMINATION[example.termination ?? ''] ?? 'see its manual'}`,
                  },
                ]
              : []),
          ]
        : [],
    };
  },
});

/** Where a proxy tells nothing of its sessions: what it sent to others within a moment of closing one side. */
const unpaired = (facts: ActFacts, proxy: string, near: string, closed: number | undefined): Journey[] => {
  const mine = new Set(facts.journeysOf(near));
  return facts.journeys.filter(
    (journey) =>
      journey.from === proxy &&
      !mine.has(journey) &&
      closed !== undefined &&
      Math.abs(journey.first.time - closed) < AT_ONCE_SECONDS,
  );
};
