import type { Advice } from '../advice.ts';
import { outlasting } from '../rules.ts';

const nginx: Advice = {
  title: 'nginx stream',
  order: 210,
  comment: '#',
  version: { program: 'nginx', arguments: ['-v'], called: 'nginx' },
  tested: 'nginx -t, where it is installed',
  tell({ keepalive, heartbeatSeconds: beat, layer, timeoutSeconds, quietSeconds }) {
    const enough = layer === 'L7' && beat !== undefined ? Math.ceil(timeoutSeconds) : outlasting(quietSeconds);
    const server = (listen: string, more = '') =>
      `stream {\n    server {\n        listen 6379${listen};\n        proxy_pass 192.0.2.1:6379;\n        proxy_timeout ${enough}s;${more}\n    }\n}`;
    if (layer === 'L7')
      return { text: server(''), note: 'no so_keepalive and no proxy_socket_keepalive refreshes proxy_timeout' };
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds = '', probes = '' } = keepalive;
    return {
      text: server(` so_keepalive=${idleSeconds}:${intervalSeconds}:${probes}`, '\n        proxy_socket_keepalive on;'),
      note: 'so_keepalive is for connections from clients; proxy_socket_keepalive takes the kernel’s values (sysctl) towards servers',
    };
  },
};
export default nginx;
