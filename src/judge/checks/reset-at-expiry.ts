import { z } from 'zod';
import { ABOUT, defineCheck, judgeEach } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { plural, range } from '../words.ts';

/** A reset at the expiry, and what it does, happens within. */
const AT_ONCE_SECONDS = 1;

export default defineCheck({
  about: 'at the expiry the middlebox sends RST to both ends, and both sockets are gone at once',
  params: z.strictObject(ABOUT),
  needs: [],
  question: () => 'whether both ends were reset',
  says: (facts) => ({
    expected: `at the expiry ${facts.boxNames('L4')} resets both ends of each of ${plural(facts.pool.length, 'connection')}: neither keeps its socket`,
    why: 'A balancer that resets both ends at the expiry tells both: each end gets a RST in the other’s name, with exactly the next sequence number (RFC 5961), and both kernels drop the socket. The pool learns at night, not at the first request.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    const { cases, right, ok, example } = judgeEach(facts.pool, wanted, (connection) => {
      const flow = facts.forgottenFlows(connection).find(({ box }) => (facts.about.box ?? box) === box);
      const gone = flow?.destroyed?.time;
      const leg = flow?.leg ?? { end: connection.local, from: connection.client };
      const names = facts.namesOf(leg.end);
      const far = flow && facts.hostOf(flow.server);
      const resets = facts
        .journeysOf(leg.end)
        .filter((journey) => journey.from === flow?.box && journey.first.flags.includes('R'));
      const toClient = resets.find((journey) => journey.to === leg.from);
      const toServer = resets.find((journey) => journey.to === far);
      const ends = facts.endsOf(leg.end).filter(
        ({ host, socket, time }) =>
          // Connections that are opened later may use the same port.
          gone !== undefined &&
          Math.abs(time - gone) < AT_ONCE_SECONDS &&
          ((host === leg.from && socket.local === leg.end) || (host === far && names.has(socket.peer))),
      );
      const delay =
        gone === undefined
          ? undefined
          : Math.max(
              toClient?.first.time ?? Number.POSITIVE_INFINITY,
              toServer?.first.time ?? Number.POSITIVE_INFINITY,
            ) - gone;
      return {
        box: flow?.box,
        toClient,
        toServer,
        delay,
        right: delay !== undefined && delay < AT_ONCE_SECONDS && new Set(ends.map(({ host }) => host)).size === 2,
      };
    });
    const names = [...new Set(cases.flatMap(({ box }) => box ?? []))].join(' and ') || facts.boxNames('L4');
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${names} reset both ends of ${plural(wanted, 'connection')}`
        : `${names} did not reset both ends as expected`,
      observed: `${right.length} of ${wanted} as expected: ${cases.filter(({ toClient }) => toClient).length}× RST to the client, ${cases.filter(({ toServer }) => toServer).length}× to a server${ok ? `, ${range(right.map(({ delay }) => Math.max(0, delay as number)))} after the expiry was seen` : ''}`,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            ...(example.toClient
              ? [facts.packet(example.toClient.first, 'RST to the client in the server’s name')]
              : []),
            ...(example.toServer
              ? [facts.packet(example.toServer.first, 'RST to the server in the client’s name')]
              : []),
          ]
        : [],
    };
  },
});
