import { type Advice, lines } from '../advice.ts';

const python: Advice = {
  title: 'Python, redis-py',
  order: 360,
  comment: '#',
  needs: 'redis-py 6 or later',
  tested: 'its socket options are set by Python on a socket and read back, where Python is installed',
  tell({ keepalive, heartbeatSeconds, commandTimeoutSeconds }) {
    if (keepalive !== undefined)
      return {
        text: `client = redis.Redis(\n    socket_keepalive=True,\n    socket_keepalive_options={\n${lines(keepalive, {
          idle: (value) => `        socket.TCP_KEEPIDLE: ${value},`,
          interval: (value) => `        socket.TCP_KEEPINTVL: ${value},`,
          probes: (value) => `        socket.TCP_KEEPCNT: ${value},`,
        })}\n    },\n${commandTimeoutSeconds === undefined ? '' : `    socket_timeout=${commandTimeoutSeconds},\n`})`,
        note:
          commandTimeoutSeconds === undefined
            ? 'before version 8 keepalive is off unless it is asked for, and a command waits for the kernel without socket_timeout'
            : 'a command that times out is sent again (retry): it may be applied twice',
      };
    if (heartbeatSeconds === undefined) return undefined;
    const timeout = commandTimeoutSeconds === undefined ? '' : `, socket_timeout=${commandTimeoutSeconds}`;
    return {
      text: `client = redis.Redis(health_check_interval=${Math.max(1, Math.floor(heartbeatSeconds))}${timeout})`,
      note: 'this is no heartbeat: it pings before a command after so much idle time, so a lost connection is noticed, not kept',
    };
  },
};
export default python;
