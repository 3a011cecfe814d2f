import { type Advice, lines } from '../advice.ts';

const docker: Advice = {
  title: 'Docker Compose, a service’s own network namespace',
  order: 110,
  comment: '#',
  version: { program: 'docker-compose', arguments: ['version'], called: 'docker-compose' },
  needs: 'Compose file 3',
  tested: 'docker-compose config takes it; the same keys are tried in a network namespace',
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: `services:\n  app:\n    sysctls:\n${lines(keepalive, {
        idle: (value) => `      net.ipv4.tcp_keepalive_time: ${value}`,
        interval: (value) => `      net.ipv4.tcp_keepalive_intvl: ${value}`,
        probes: (value) => `      net.ipv4.tcp_keepalive_probes: ${value}`,
      })}`,
      note: 'the host’s sysctl does not reach containers',
    };
  },
};
export default docker;
