import type { Fault } from '../fault.ts';

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

const dropFin: Fault = {
  describe: (host) => `${host} starts dropping every FIN, and what its sender sends after it`,
  takesAway: 'nothing',
  async apply({ lab, host }) {
    await lab.host(host).run('nft', ['-f', '-'], { input: rules, privileged: true });
  },
};
export default dropFin;
