import { type Advice, lines, NOT_TESTED } from '../advice.ts';

const entry = (name: string) => (value: number) =>
  `      - name: net.ipv4.tcp_keepalive_${name}\n        value: "${value}"`;

const kubernetes: Advice = {
  title: 'Kubernetes, a pod’s own network namespace',
  order: 120,
  comment: '#',
  tested: `${NOT_TESTED}; the same keys are tried in a network namespace`,
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: `spec:\n  securityContext:\n    sysctls:\n${lines(keepalive, {
        idle: entry('time'),
        interval: entry('intvl'),
        probes: entry('probes'),
      })}`,
      note: 'where the kubelet does not count them as safe they must be allowed there: --allowed-unsafe-sysctls=net.ipv4.tcp_keepalive_*',
    };
  },
};
export default kubernetes;
