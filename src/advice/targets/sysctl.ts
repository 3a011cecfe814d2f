import { type Advice, lines } from '../advice.ts';

const sysctl: Advice = {
  title: 'Linux, all programs that turn keepalive on and set nothing else (/etc/sysctl.d/60-keepalive.conf)',
  order: 100,
  comment: '#',
  tested: 'loaded in a network namespace, read back from a socket of IPv4 and one of IPv6 there (getsockopt)',
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: lines(keepalive, {
        idle: (value) => `net.ipv4.tcp_keepalive_time = ${value}`,
        interval: (value) => `net.ipv4.tcp_keepalive_intvl = ${value}`,
        probes: (value) => `net.ipv4.tcp_keepalive_probes = ${value}`,
      }),
      note: 'it holds for TCP over IPv6 too; it does nothing for a program that does not set SO_KEEPALIVE, and nothing for one that sets its own values (Node.js, Go); containers have their own',
    };
  },
};
export default sysctl;
