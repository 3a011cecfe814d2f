import type { Setting } from '../setting.ts';

const docker: Setting = {
  title: 'Docker Compose, a service’s own network namespace',
  version: 'docker-compose 1.29, Compose file 3',
  tested: 'docker-compose config takes it; the same keys are tried in a network namespace',
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: `services:\n  app:\n    sysctls:\n      net.ipv4.tcp_keepalive_time: ${idleSeconds}\n      net.ipv4.tcp_keepalive_intvl: ${intervalSeconds}\n      net.ipv4.tcp_keepalive_probes: ${probes}`,
      note: 'the host’s sysctl does not reach containers',
    };
  },
};
export default docker;
