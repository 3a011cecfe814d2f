import { z } from 'zod';
import { FAMILY } from '../../linux/balancer-rules.ts';
import type { Verb } from '../verb.ts';

// The rule that workshops type as `iptables -j DROP` before they close the client: a firewall that sees a FIN takes the
// connection for finished, and neither the FIN nor anything that the same side sends after it gets through.
//
//   client ──FIN──▶ [firewall] ✗        server: still ESTABLISHED
//   client ──ACK──▶ [firewall] ✗        server's keepalive probes stay unanswered
const FAMILIES = Object.values(FAMILY);
const rules = `
table inet idlelab_drop_fin {
${FAMILIES.map(
  ({ header, address }) => `  set finished-${header} {
    type ${address} . inet_service . ${address} . inet_service
    size 65535
    flags dynamic
  }
`,
).join('')}  chain forward {
    type filter hook forward priority -10
${FAMILIES.map(({ header }) => {
  const ends = `${header} saddr . tcp sport . ${header} daddr . tcp dport`;
  return `    tcp flags & fin == fin update @finished-${header} { ${ends} } counter drop
    ${ends} @finished-${header} counter drop
`;
}).join('')}  }
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
