import { z } from 'zod';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { inSeconds, plural, range, tally } from '../words.ts';

export default defineCheck({
  about: 'the library’s socket timeout drops the dead connection, and the library sends the command again on a new one',
  params: z.strictObject(ABOUT),
  needs: ['requests'],
  question: () => 'what the socket timeout does',
  says: () => ({
    expected: `every connection is given up by the socket timeout, and its command is sent again on a new connection and answered`,
    why: 'A socket timeout doubts the connection: no byte for that long while a command is pending, so it is destroyed and opened again. The library then repeats what was pending (ioredis: autoResendUnfulfilledCommands). Had only the answer been lost, the command would now be applied twice.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    const unclear =
      facts.morning.length < wanted ? 'too few commands after the quiet' : facts.unclassified(facts.morning);
    if (unclear !== undefined) return { unknown: unclear };
    const applied = facts.evidence.events.filter(({ event }) => event === 'ledger').flatMap(({ ids }) => ids ?? []);
    const counts = new Map<string, number>();
    for (const id of applied) counts.set(id, (counts.get(id) ?? 0) + 1);
    const pool = new Map(facts.pool.map((connection) => [connection.local, connection]));
    const { cases, right, ok, example } = judgeEach(facts.morning, wanted, (request) => {
      const old = pool.get(request.local ?? '');
      const fresh = facts
        .connectionsOf(request.client, request.connection)
        .find(({ openedAt }) => openedAt > request.startedAt);
      return {
        request,
        fresh,
        times: counts.get(request.id) ?? 0,
        right:
          request.met === 'socket-timeout' && request.replayed && fresh !== undefined && old?.closedAt !== undefined,
      };
    });
    const firstData = example?.fresh
      ? facts
          .journeysOf(example.fresh.local)
          .filter((journey) => journey.from === example.request.client && journey.first.name === 'data')
          .at(-1)
      : undefined;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `the socket timeout opened ${plural(right.length, 'new connection')} and the library replayed the commands`
        : 'the socket timeout did not lead to a replay as expected',
      observed: `${right.length} of ${wanted} as expected; answered ${range(right.length > 0 ? right.map(({ request }) => (request.repliedAt ?? 0) - request.startedAt) : [0])} after the command; applied ${tally(cases.map(({ times }) => (times === 1 ? 'once' : times === 0 ? 'never' : `${times} times`)))}; met first: ${tally(facts.morning.map(({ words }) => words))}`,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            ...(example.request.outcomeAt === undefined
              ? []
              : [
                  {
                    event: example.request.client,
                    at: facts.at(example.request.outcomeAt),
                    note: `${example.request.words} (${inSeconds(example.request.outcomeAt - example.request.startedAt)} after ${example.request.id})`,
                  },
                ]),
            ...(firstData ? [facts.packet(firstData.first, 'the same command once more, on a new connection')] : []),
          ]
        : [],
    };
  },
});
