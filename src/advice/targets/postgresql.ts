import { type Advice, lines } from '../advice.ts';

const postgresql: Advice = {
  title: 'PostgreSQL server (postgresql.conf), and libpq clients',
  order: 400,
  comment: '#',
  version: { program: 'psql', arguments: ['--version'], called: 'PostgreSQL' },
  tested:
    'libpq’s line: psql connects with it, where it is installed, and the socket is read back (getsockopt); the server’s lines are not tested here',
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const server = lines(keepalive, {
      idle: (value) => `tcp_keepalives_idle = ${value}`,
      interval: (value) => `tcp_keepalives_interval = ${value}`,
      probes: (value) => `tcp_keepalives_count = ${value}`,
    });
    const client = lines(keepalive, {
      idle: (value) => `keepalives_idle=${value}`,
      interval: (value) => `keepalives_interval=${value}`,
      probes: (value) => `keepalives_count=${value}`,
    }).replaceAll('\n', ' ');
    return {
      text: `${server}\n# libpq: ${client}`,
      note: 'the server’s side keeps the flow alive as well, and clears away connections whose client is gone',
    };
  },
};
export default postgresql;
