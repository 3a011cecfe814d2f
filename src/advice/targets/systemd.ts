import { type Advice, lines } from '../advice.ts';

const systemd: Advice = {
  title: 'systemd, a socket unit (systemd.socket(5))',
  order: 130,
  comment: '#',
  version: { program: 'systemd-analyze', arguments: ['--version'], called: 'systemd' },
  tested: 'systemd-analyze verify, where it is installed',
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: `[Socket]\nKeepAlive=yes\n${lines(keepalive, {
        idle: (value) => `KeepAliveTimeSec=${value}`,
        interval: (value) => `KeepAliveIntervalSec=${value}`,
        probes: (value) => `KeepAliveProbes=${value}`,
      })}`,
      note: 'for servers that are activated by a socket: what they accept has these values',
    };
  },
};
export default systemd;
