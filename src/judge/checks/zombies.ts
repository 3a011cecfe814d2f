import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { serverKeepalive } from '../remedy.ts';
import { inSeconds, plural, tally } from '../words.ts';

export default defineCheck({
  about:
    'ESTABLISHED sockets at the end of the act whose counterpart no longer exists, on a host or a group of servers',
  params: z
    .strictObject({
      at: z.string(),
      atLeast: z.number().int().min(1).optional(),
      exactly: z.number().int().min(0).optional(),
    })
    .refine(
      ({ atLeast, exactly }) => (atLeast === undefined) !== (exactly === undefined),
      'one of atLeast and exactly',
    ),
  needs: [],
  question: ({ at }) => `whether ${at} keeps zombies`,
  says(_facts, { at, atLeast, exactly }) {
    const wanted = exactly ?? `at least ${atLeast}`;
    return {
      expected: `${wanted === 0 ? 'no' : wanted} zombie socket${wanted === 1 ? '' : 's'} on ${at} at the end`,
      why: 'A zombie is ESTABLISHED with nobody at the other end. It costs memory and a descriptor, holds locks and subscriptions, and a server that writes to it believes that it delivers. Only its own kernel’s keepalive, or a write, can find out.',
    };
  },
  judge(facts, { at, atLeast, exactly }) {
    const hosts = facts.hostsNamed(at);
    const here = facts.matchingAtEnd.zombies.filter(({ host }) => hosts.includes(host));
    const unmatched = facts.matchingAtEnd.unknown.filter(({ host }) => hosts.includes(host));
    const all = facts.lastLook
      .filter(({ host }) => hosts.includes(host))
      .flatMap(({ sockets }) => sockets.filter(({ state }) => state === 'ESTABLISHED'));
    if (unmatched.length > 0)
      return { unknown: `the evidence says nothing about the counterparts of ${plural(unmatched.length, 'socket')}` };
    if (!hosts.every((host) => facts.lastLook.some((look) => look.host === host)))
      return { unknown: 'the sockets were not looked at' };
    const ok = exactly === undefined ? here.length >= (atLeast as number) : here.length === exactly;
    const timers = here.map(({ socket }) =>
      socket.timer
        ? `${socket.timer.kind} timer, next in ${inSeconds(Math.round(socket.timer.seconds))}`
        : 'no timer: it stays forever',
    );
    const observed = `${plural(here.length, 'zombie')} among ${plural(all.length, 'ESTABLISHED socket')} on ${at}${here.length > 0 ? ` (${tally(here.map(({ host }) => `on ${host}`))}; ${tally(timers)})` : ''}`;
    return {
      status: ok ? 'pass' : 'fail',
      title: ok
        ? here.length === 0
          ? `${at} keeps no zombies`
          : `${at} keeps ${plural(here.length, 'zombie')}: ESTABLISHED with nobody at the other end`
        : `${at} does not hold the zombies that were expected`,
      observed,
      remedy: here.length > 0 && facts.servers.some((server) => hosts.includes(server)) ? serverKeepalive(facts) : [],
      evidence:
        here.length > 0
          ? here.slice(0, 3).map(({ host, time, socket }) => ({
              socket: host,
              at: facts.at(time),
              note: `zombie ${socket.local} ← ${socket.peer} (${socket.state})`,
            }))
          : facts.lastLook
              .filter(({ host }) => hosts.includes(host))
              .map(({ host, time, sockets }) => ({
                socket: host,
                at: facts.at(time),
                note: `${plural(sockets.filter(({ state }) => state === 'ESTABLISHED').length, 'ESTABLISHED socket')}, none without its counterpart`,
              })),
    };
  },
});
