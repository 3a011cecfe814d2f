import { z } from 'zod';
import { formatDuration } from '../../base/duration.ts';
import { DURATION_LIMITS } from '../../plan/limits.ts';
import { durationParam } from '../../plan/params.ts';
import { choiceOf, ON_LINK, onLink, refusesLink } from '../on-link.ts';
import type { Verb } from '../verb.ts';

const delay: Verb = {
  about: 'packets from and to a host take so much longer, until "mend"',
  params: z.strictObject({ by: durationParam(DURATION_LIMITS.wait), ...ON_LINK }),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  impairs: true,
  takesAway: 'nothing',
  awaited: () => true,
  refuses: refusesLink,
  say: ({ params }, host) =>
    `packets ${onLink(params, host)} take ${formatDuration(params.by as number)} longer from now on`,
  do: ({ lab, host, step: { params } }) =>
    lab.host(host.name).impair({ delaySeconds: params.by as number, delayed: choiceOf(params) }),
};
export default delay;
