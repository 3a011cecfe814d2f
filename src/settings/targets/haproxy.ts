import type { Setting } from '../setting.ts';

const MORE = 1.25;

const haproxy: Setting = {
  title: 'HAProxy in TCP mode',
  version: 'HAProxy 2.6',
  tested: 'haproxy -c',
  render({ keepalive, client, layer, timeoutSeconds, quietSeconds }) {
    if (layer === 'L7') {
      const beat = client.heartbeatSeconds;
      const enough = beat === undefined ? Math.ceil(quietSeconds * MORE) : Math.ceil(timeoutSeconds);
      return {
        text: `defaults\n    mode tcp\n    timeout connect 5s\n    timeout client ${enough}s\n    timeout server ${enough}s`,
        note:
          beat === undefined
            ? 'both: the shorter of the two counts'
            : `with a heartbeat every ${beat} s these may stay as they are; the shorter of the two counts`,
      };
    }
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    const side = (prefix: string) =>
      `    option ${prefix}\n    ${prefix}-idle ${idleSeconds}s\n    ${prefix}-intvl ${intervalSeconds}s\n    ${prefix}-cnt ${probes}`;
    return {
      text: `defaults\n    mode tcp\n    timeout connect 5s\n    timeout client ${Math.ceil(quietSeconds * MORE)}s\n    timeout server ${Math.ceil(quietSeconds * MORE)}s\n${side('clitcpka')}\n${side('srvtcpka')}`,
      note: 'where a proxy of yours stands on this path: it keeps its own connections through the box alive, and must be patient itself',
    };
  },
};
export default haproxy;
