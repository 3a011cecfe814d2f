import { NOT_TESTED, type Setting } from '../setting.ts';

const go: Setting = {
  title: 'Go, net.Dialer',
  version: 'Go 1.23 or later (net.KeepAliveConfig)',
  tested: NOT_TESTED,
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: `dialer := net.Dialer{\n\tKeepAliveConfig: net.KeepAliveConfig{\n\t\tEnable:   true,\n\t\tIdle:     ${idleSeconds} * time.Second,\n\t\tInterval: ${intervalSeconds} * time.Second,\n\t\tCount:    ${probes},\n\t},\n}`,
      note: 'without it Go probes after 15 s, every 15 s',
    };
  },
};
export default go;
