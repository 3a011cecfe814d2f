import { z } from 'zod';
import { choiceOf, onLink, PACKETS, packetsText, refusesLink } from '../on-link.ts';
import type { Verb } from '../verb.ts';

const duplicate: Verb = {
  about: 'packets from and to a host arrive twice: the next so many, of a kind, or all of them until "mend"',
  params: z.strictObject(PACKETS),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  impairs: true,
  takesAway: 'nothing',
  awaited: () => true,
  refuses: refusesLink,
  say: ({ params }, host) => `${packetsText(params)} ${onLink(params, host)} will arrive twice`,
  do: ({ lab, host, step: { params } }) => lab.host(host.name).impair({ duplicate: choiceOf(params) }),
};
export default duplicate;
