import type { Setting } from '../setting.ts';

const systemd: Setting = {
  title: 'systemd, a socket unit',
  version: 'systemd.socket(5)',
  tested: 'systemd-analyze verify, where it is installed',
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: `[Socket]\nKeepAlive=yes\nKeepAliveTimeSec=${idleSeconds}\nKeepAliveIntervalSec=${intervalSeconds}\nKeepAliveProbes=${probes}`,
      note: 'for servers that are activated by a socket: what they accept has these values',
    };
  },
};
export default systemd;
