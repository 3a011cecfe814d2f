import type { Setting } from '../setting.ts';

const sysctl: Setting = {
  title: 'Linux, all programs that turn keepalive on and set nothing else (/etc/sysctl.d/60-keepalive.conf)',
  tested: 'loaded in a network namespace, read back from a socket there (getsockopt)',
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: `net.ipv4.tcp_keepalive_time = ${idleSeconds}\nnet.ipv4.tcp_keepalive_intvl = ${intervalSeconds}\nnet.ipv4.tcp_keepalive_probes = ${probes}`,
      note: 'it does nothing for a program that does not set SO_KEEPALIVE, and nothing for one that sets its own values (Node.js, Go); containers have their own',
    };
  },
};
export default sysctl;
