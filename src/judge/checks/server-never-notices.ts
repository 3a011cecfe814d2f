import { z } from 'zod';
import { ABOUT, defineCheck } from '../check.ts';
import { serverKeepalive } from '../remedy.ts';
import { inSeconds, plural, tally } from '../words.ts';

export default defineCheck({
  about: 'the server’s sockets outlive the client and have no timer that could ever end them',
  params: z.strictObject({ at: z.string(), ...ABOUT }),
  needs: [],
  question: () => 'whether the server noticed',
  says: (facts, { at }) => ({
    expected: `all ${plural(facts.pool.length, 'socket')} of ${at} are still ESTABLISHED at the end, with no timer armed`,
    why: 'A server that only reads never learns that its client has gone: TCP sends nothing on an idle connection. Without SO_KEEPALIVE there is no timer either, so the socket stays until the process ends, with its memory, its descriptor and its locks.',
  }),
  judge(facts, { at }) {
    const hosts = facts.hostsNamed(at);
    const wanted = facts.pool.length;
    const { loss } = facts;
    if (!facts.lastLook.some(({ host }) => hosts.includes(host))) return { unknown: 'the evidence is incomplete' };
    const zombies = facts.matchingAtEnd.zombies.filter(({ host }) => hosts.includes(host));
    const forEver = zombies.filter(({ socket }) => socket.timer === undefined && socket.kernel?.keepalive === false);
    const ok = forEver.length === wanted;
    const since = loss ? `${inSeconds(facts.evidence.record.to - loss.from)} after ${loss.text}` : 'at the end';
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? `${at} would wait forever: ${plural(forEver.length, 'ESTABLISHED socket')}, no timer`
        : `${at}'s sockets are not as expected`,
      observed: `${since}: ${plural(zombies.length, 'zombie')} on ${at}; timers: ${zombies.length > 0 ? tally(zombies.map(({ socket }) => socket.timer?.kind ?? 'none')) : 'none'}; SO_KEEPALIVE by getsockopt: ${zombies.length > 0 ? tally(zombies.map(({ socket }) => (socket.kernel === undefined ? 'not known' : socket.kernel.keepalive ? 'on' : 'off'))) : 'no socket left'}`,
      remedy: ok ? serverKeepalive(facts) : [],
      evidence: zombies.slice(0, 2).map(({ host, time, socket }) => ({
        socket: host,
        at: facts.at(time),
        note: `${socket.local} ← ${socket.peer} ${socket.state}, ${socket.timer ? `${socket.timer.kind} timer` : 'no timer'}`,
      })),
    };
  },
});
