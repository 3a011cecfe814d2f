import { NOT_TESTED, type Setting } from '../setting.ts';

const kubernetes: Setting = {
  title: 'Kubernetes, a pod’s own network namespace',
  tested: `${NOT_TESTED}; the same keys are tried in a network namespace`,
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    const entry = (name: string, value: number) =>
      `      - name: net.ipv4.tcp_keepalive_${name}\n        value: "${value}"`;
    return {
      text: `spec:\n  securityContext:\n    sysctls:\n${entry('time', idleSeconds)}\n${entry('intvl', intervalSeconds)}\n${entry('probes', probes)}`,
      note: 'where the kubelet does not count them as safe they must be allowed there: --allowed-unsafe-sysctls=net.ipv4.tcp_keepalive_*',
    };
  },
};
export default kubernetes;
