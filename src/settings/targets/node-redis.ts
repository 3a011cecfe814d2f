import { milliseconds, type Setting } from '../setting.ts';

const nodeRedis: Setting = {
  title: 'node-redis (Node.js)',
  version: 'redis 6',
  tested: 'run against a listener, the socket read back (getsockopt)',
  render({ keepalive, client: { heartbeatSeconds } }) {
    if (keepalive !== undefined)
      return {
        text: `const client = createClient({ socket: { keepAlive: true, keepAliveInitialDelay: ${milliseconds(keepalive.idleSeconds)} } });`,
        note: 'interval and count are libuv’s: 10 probes, one second apart, which an outage of more than ten seconds may end',
      };
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `const client = createClient({ pingInterval: ${milliseconds(heartbeatSeconds)}, socket: { socketTimeout: ${milliseconds(heartbeatSeconds * 2)} } });`,
      note: 'a PING has no time-out of its own: socketTimeout is what notices that no reply comes',
    };
  },
};
export default nodeRedis;
