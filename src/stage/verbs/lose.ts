import { z } from 'zod';
import { choiceOf, onLink, PACKETS, packetsText, refusesLink } from '../on-link.ts';
import type { Verb } from '../verb.ts';

const lose: Verb = {
  about: 'packets from and to a host are lost on the way: the next so many, of a kind, or all of them until "mend"',
  params: z.strictObject(PACKETS),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  impairs: true,
  takesAway: 'nothing',
  awaited: () => true,
  refuses: refusesLink,
  say: ({ params }, host) => `${packetsText(params)} ${onLink(params, host)} will be lost`,
  do: ({ lab, host, step: { params } }) => lab.host(host.name).impair({ loss: choiceOf(params) }),
};
export default lose;
