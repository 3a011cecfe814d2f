import { type Advice, lines, NOT_TESTED } from '../advice.ts';

const go: Advice = {
  title: 'Go, net.Dialer',
  order: 340,
  comment: '//',
  needs: 'Go 1.23 or later (net.KeepAliveConfig)',
  tested: NOT_TESTED,
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: `dialer := net.Dialer{\n\tKeepAliveConfig: net.KeepAliveConfig{\n\t\tEnable:   true,\n${lines(keepalive, {
        idle: (value) => `\t\tIdle:     ${value} * time.Second,`,
        interval: (value) => `\t\tInterval: ${value} * time.Second,`,
        probes: (value) => `\t\tCount:    ${value},`,
      })}\n\t},\n}`,
      note: 'what is left out is 15 s, every 15 s, 9 probes',
    };
  },
};
export default go;
