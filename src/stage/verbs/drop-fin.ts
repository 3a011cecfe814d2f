import { z } from 'zod';
import type { Verb } from '../verb.ts';

// The rule that workshops type as `iptables -j DROP` before they close the client: a firewall that sees a FIN takes the
// connection for finished, and neither the FIN nor anything that the same side sends after it gets through.
//
//   client ──FIN──▶ [firewall] ✗        server: still ESTABLISHED
//   client ──ACK──▶ [firewall] ✗        server's keepalive probes stay unanswered
const rules = `
table inet idlelab_drop_fin {
  set finished {
    type ipv4_addr . inet_service . ipv4_addr . inet_service
    size 65535
    flags dynamic
  }
  chain forward {
    type filter hook forward priority -10
    tcp flags & fin == fin update @finished { ip saddr . tcp sport . ip daddr . tcp dport } counter drop
    ip saddr . tcp sport . ip daddr . tcp dport @finished counter drop
  }
}
`;

const dropFin: Verb = {
  about: 'a middlebox drops every FIN from now on, and what its sender sends after it',
  params: z.strictObject({}),
  who: ['middlebox'],
  onConnections: false,
  takesAway: 'nothing',
  awaited: () => true,
  say: (_, { name }) => `${name} starts dropping every FIN, and what its sender sends after it`,
  async do({ lab, host }) {
    await lab.host(host.name).run('nft', ['-f', '-'], { input: rules, privileged: true });
  },
};
export default dropFin;
