import { z } from 'zod';
import type { Verb } from '../verb.ts';

/** The host is gone at once: links first, so that not even its dying sockets' FIN or RST come out, then its processes. */
const crash: Verb = {
  about: 'a host loses power: no FIN, no RST, nothing',
  params: z.strictObject({}),
  who: ['client', 'server', 'middlebox'],
  onConnections: false,
  takesAway: 'peer',
  awaited: () => true,
  say: (_, { name }) => `${name} loses power: no FIN, no RST, nothing`,
  async do({ lab, cast, host }) {
    lab.host(host.name).gone = true;
    await lab.host(host.name).setLinks(false);
    await cast.kill(host.name);
  },
};
export default crash;
