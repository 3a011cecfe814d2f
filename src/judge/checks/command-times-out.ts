import { z } from 'zod';
import { cannotTell, defineCheck } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { plural, range, tally } from '../words.ts';

export default defineCheck({
  about: 'every command after the quiet fails by the library’s own timeout, and the dead socket stays',
  params: z.strictObject({}),
  judge(facts) {
    const wanted = facts.pool.length;
    const expected = `every command after the quiet fails by its command timeout, and all ${plural(wanted, 'dead socket')} stay ESTABLISHED`;
    const why =
      'A command timeout gives up waiting for the answer; it does not doubt the connection. The next command is written to the same dead socket and fails in the same way, until the kernel’s retransmissions give up.';
    const after = facts.requests.filter((request) => request.startedAt > facts.midnight);
    const unclear =
      facts.notReady ?? (after.length < wanted ? 'too few commands after the quiet' : facts.unclassified(after));
    if (unclear !== undefined)
      return cannotTell({
        title: 'what the command timeout does cannot be told',
        expected,
        observed: unclear,
        why,
      });
    const timedOut = after.filter(({ met }) => met === 'command-timeout');
    const lastTimeout = Math.max(...timedOut.map((request) => request.outcomeAt ?? 0));
    const seen = new Set(
      facts.samples
        .flat()
        .filter(({ host, time }) => host === facts.client && timedOut.length > 0 && time >= lastTimeout)
        .flatMap(({ sockets }) => sockets.filter(({ state }) => state === 'ESTABLISHED').map(({ local }) => local)),
    );
    const staying = facts.pool.filter(({ local }) => seen.has(local));
    const rounds = after.length / wanted;
    const ok = timedOut.length === after.length && staying.length === wanted;
    const sample = facts.lastLook.find(({ host }) => host === facts.client);
    const socket = sample?.sockets.find(({ local }) => local === staying[0]?.local);
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `a command timeout alone: ${plural(after.length, 'command')} failed, and the ${plural(staying.length, 'dead socket')} stayed`
        : 'the command timeout did not behave as expected',
      expected,
      observed: `${timedOut.length} of ${plural(after.length, 'command')} (${rounds} on each connection) timed out after ${range(timedOut.length > 0 ? timedOut.map((request) => (request.outcomeAt ?? 0) - request.startedAt) : [0])}; ${staying.length} of ${wanted} sockets still ESTABLISHED after the last of them${timedOut.length < after.length ? `; met: ${tally(after.map(({ words }) => words))}` : ''}`,
      why,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: [
        ...timedOut.slice(0, 1).map((request) => ({
          event: facts.client,
          at: facts.at(request.outcomeAt ?? request.startedAt),
          note: `${request.id}: ${request.words}`,
        })),
        ...(sample && socket
          ? [
              {
                socket: facts.client,
                at: facts.at(sample.time),
                note: `${socket.local} still ESTABLISHED, ${socket.sendQueue} bytes unsent or unacknowledged${socket.timer ? `, ${socket.timer.kind} timer, ${socket.timer.retries} tries so far` : ''}`,
              },
            ]
          : []),
      ],
    };
  },
});
