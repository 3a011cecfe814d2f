import type { Setting } from '../setting.ts';

const postgresql: Setting = {
  title: 'PostgreSQL server (postgresql.conf), and libpq clients',
  tested:
    'libpq’s line: psql connects with it, where it is installed, and the socket is read back (getsockopt); the server’s lines are not tested here',
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: `tcp_keepalives_idle = ${idleSeconds}\ntcp_keepalives_interval = ${intervalSeconds}\ntcp_keepalives_count = ${probes}\n# libpq: keepalives_idle=${idleSeconds} keepalives_interval=${intervalSeconds} keepalives_count=${probes}`,
      note: 'the server’s side keeps the flow alive as well, and clears away connections whose client is gone',
    };
  },
};
export default postgresql;
