import { z } from 'zod';
import { cannotTell, defineCheck } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { plural, range } from '../words.ts';

/** A reset at the expiry, and what it does, happens within. */
const AT_ONCE_SECONDS = 1;

export default defineCheck({
  about: 'at the expiry the middlebox sends RST to both ends, and both sockets are gone at once',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const expected = `at the expiry ${facts.box.name} resets both ends of each of ${plural(wanted, 'connection')}: neither keeps its socket`;
    const why =
      'A balancer that resets both ends at the expiry tells both: each end gets a RST in the other’s name, with exactly the next sequence number (RFC 5961), and both kernels drop the socket. The pool learns at night, not at the first request.';
    if (facts.notReady !== undefined)
      return cannotTell({
        title: 'whether both ends were reset cannot be told',
        expected,
        observed: facts.notReady,
        why,
      });
    const cases = facts.pool.map((connection) => {
      const flow = facts.flowOf(connection);
      const names = facts.namesOf(connection.local);
      const gone = flow?.destroyed?.reason === 'idle-timeout' ? flow.destroyed.time : undefined;
      const resets = facts
        .journeysOf(connection.local)
        .filter((journey) => journey.from === facts.box.name && journey.first.flags.includes('R'));
      const toClient = resets.find((journey) => journey.to === facts.client);
      const toBroker = resets.find((journey) => facts.brokers.includes(journey.to));
      const ends = facts.endsOf(connection.local).filter(
        ({ host, socket, time }) =>
          // Connections that are opened later may use the same port.
          gone !== undefined &&
          Math.abs(time - gone) < AT_ONCE_SECONDS &&
          ((host === facts.client && socket.local === connection.local) ||
            (facts.brokers.includes(host) && names.has(socket.peer))),
      );
      const delay =
        gone === undefined
          ? undefined
          : Math.max(
              toClient?.first.time ?? Number.POSITIVE_INFINITY,
              toBroker?.first.time ?? Number.POSITIVE_INFINITY,
            ) - gone;
      return {
        toClient,
        toBroker,
        delay,
        right: delay !== undefined && delay < AT_ONCE_SECONDS && new Set(ends.map(({ host }) => host)).size === 2,
      };
    });
    const right = cases.filter((each) => each.right);
    const ok = right.length === wanted;
    const [example] = ok ? right : cases;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${facts.box.name} reset both ends of ${plural(wanted, 'connection')}`
        : `${facts.box.name} did not reset both ends as expected`,
      expected,
      observed: `${right.length} of ${wanted} as expected: ${cases.filter(({ toClient }) => toClient).length}× RST to the client, ${cases.filter(({ toBroker }) => toBroker).length}× to a broker${ok ? `, ${range(right.map(({ delay }) => Math.max(0, delay as number)))} after the expiry was seen` : ''}`,
      why,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: example
        ? [
            ...(example.toClient
              ? [facts.packet(example.toClient.first, 'RST to the client in the broker’s name')]
              : []),
            ...(example.toBroker
              ? [facts.packet(example.toBroker.first, 'RST to the broker in the client’s name')]
              : []),
          ]
        : [],
    };
  },
});
