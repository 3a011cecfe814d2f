import { type Advice, lines } from '../advice.ts';
import { outlasting } from '../rules.ts';

const haproxy: Advice = {
  title: 'HAProxy in TCP mode',
  order: 200,
  comment: '#',
  version: { program: 'haproxy', arguments: ['-v'], called: 'HAProxy' },
  tested: 'haproxy -c',
  tell({ keepalive, heartbeatSeconds: beat, layer, timeoutSeconds, quietSeconds }) {
    if (layer === 'L7') {
      const enough = beat === undefined ? outlasting(quietSeconds) : Math.ceil(timeoutSeconds);
      return {
        text: `defaults\n    mode tcp\n    timeout connect 5s\n    timeout client ${enough}s\n    timeout server ${enough}s`,
        note:
          beat === undefined
            ? 'both: the shorter of the two counts'
            : `with a heartbeat every ${beat} s these may stay as they are; the shorter of the two counts`,
      };
    }
    if (keepalive === undefined) return undefined;
    const enough = outlasting(quietSeconds);
    const side = (prefix: string) =>
      `    option ${prefix}\n${lines(keepalive, {
        idle: (value) => `    ${prefix}-idle ${value}s`,
        interval: (value) => `    ${prefix}-intvl ${value}s`,
        probes: (value) => `    ${prefix}-cnt ${value}`,
      })}`;
    return {
      text: `defaults\n    mode tcp\n    timeout connect 5s\n    timeout client ${enough}s\n    timeout server ${enough}s\n${side('clitcpka')}\n${side('srvtcpka')}`,
      note: 'for a proxy of your own on this path: it keeps its connections through the box alive, and its own timeouts must outlast the quiet',
    };
  },
};
export default haproxy;
