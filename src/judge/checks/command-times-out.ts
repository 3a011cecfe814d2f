import { z } from 'zod';
import { ABOUT, defineCheck } from '../check.ts';
import { clientKeepalive } from '../remedy.ts';
import { plural, range, tally } from '../words.ts';

export default defineCheck({
  about: 'every command after the quiet fails by the library’s own timeout, and the dead socket stays',
  params: z.strictObject(ABOUT),
  needs: ['requests'],
  question: () => 'what the command timeout does',
  says: (facts) => ({
    expected: `every command after the quiet fails by its command timeout, and all ${plural(facts.pool.length, 'dead socket')} stay ESTABLISHED`,
    why: 'A command timeout gives up waiting for the answer; it does not doubt the connection. The next command is written to the same dead socket and fails in the same way, until the kernel’s retransmissions give up.',
  }),
  judge(facts) {
    const wanted = facts.pool.length;
    const after = facts.requests.filter((request) => request.startedAt > facts.midnight);
    const unclear = after.length < wanted ? 'too few commands after the quiet' : facts.unclassified(after);
    if (unclear !== undefined) return { unknown: unclear };
    const timedOut = after.filter(({ met }) => met === 'command-timeout');
    const lastTimeout = Math.max(...timedOut.map((request) => request.outcomeAt ?? 0));
    const seen = new Set(
      facts.samples
        .flat()
        .filter(({ host, time }) => facts.clients.includes(host) && timedOut.length > 0 && time >= lastTimeout)
        .flatMap(({ sockets }) => sockets.filter(({ state }) => state === 'ESTABLISHED').map(({ local }) => local)),
    );
    const staying = facts.pool.filter(({ local }) => seen.has(local));
    const rounds = after.length / wanted;
    const ok = timedOut.length === after.length && staying.length === wanted;
    const sample = facts.lastLook.find(({ host }) => host === staying[0]?.client);
    const socket = sample?.sockets.find(({ local }) => local === staying[0]?.local);
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `a command timeout alone: ${plural(after.length, 'command')} failed, and the ${plural(staying.length, 'dead socket')} stayed`
        : 'the command timeout did not behave as expected',
      observed: `${timedOut.length} of ${plural(after.length, 'command')} (${rounds} on each connection) timed out after ${range(timedOut.length > 0 ? timedOut.map((request) => (request.outcomeAt ?? 0) - request.startedAt) : [0])}; ${staying.length} of ${wanted} sockets still ESTABLISHED after the last of them${timedOut.length < after.length ? `; met: ${tally(after.map(({ words }) => words))}` : ''}`,
      remedy: ok ? clientKeepalive(facts) : [],
      evidence: [
        ...timedOut.slice(0, 1).map((request) => ({
          event: request.client,
          at: facts.at(request.outcomeAt ?? request.startedAt),
          note: `${request.id}: ${request.words}`,
        })),
        ...(sample && socket
          ? [
              {
                socket: sample.host,
                at: facts.at(sample.time),
                note: `${socket.local} still ESTABLISHED, ${socket.sendQueue} bytes unsent or unacknowledged${socket.timer ? `, ${socket.timer.kind} timer, ${socket.timer.retries} tries so far` : ''}`,
              },
            ]
          : []),
      ],
    };
  },
});
