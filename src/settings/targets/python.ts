import type { Setting } from '../setting.ts';

const python: Setting = {
  title: 'Python, redis-py',
  version: 'redis-py 6 or later',
  tested: 'its socket options are set by Python on a socket and read back, where Python is installed',
  render({ keepalive, client: { heartbeatSeconds } }) {
    if (keepalive !== undefined) {
      const { idleSeconds, intervalSeconds, probes } = keepalive;
      return {
        text: `client = redis.Redis(\n    socket_keepalive=True,\n    socket_keepalive_options={\n        socket.TCP_KEEPIDLE: ${idleSeconds},\n        socket.TCP_KEEPINTVL: ${intervalSeconds},\n        socket.TCP_KEEPCNT: ${probes},\n    },\n)`,
        note: 'before version 8 keepalive is off unless it is asked for, and a command waits for ever without socket_timeout',
      };
    }
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `client = redis.Redis(health_check_interval=${Math.max(1, Math.floor(heartbeatSeconds))})`,
      note: 'this is no heartbeat: it pings before a command after so much idle time, so a lost connection is noticed, not kept',
    };
  },
};
export default python;
