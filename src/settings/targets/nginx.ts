import type { Setting } from '../setting.ts';

const MORE = 1.25;

const nginx: Setting = {
  title: 'nginx stream',
  version: 'nginx 1.22',
  tested: 'nginx -t, where it is installed',
  render({ keepalive, client, layer, timeoutSeconds, quietSeconds }) {
    const beat = client.heartbeatSeconds;
    const patience = layer === 'L7' && beat !== undefined ? Math.ceil(timeoutSeconds) : Math.ceil(quietSeconds * MORE);
    const server = (listen: string, more = '') =>
      `stream {\n    server {\n        listen 6379${listen};\n        proxy_pass 192.0.2.1:6379;\n        proxy_timeout ${patience}s;${more}\n    }\n}`;
    if (layer === 'L7')
      return { text: server(''), note: 'no so_keepalive and no proxy_socket_keepalive refreshes proxy_timeout' };
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: server(` so_keepalive=${idleSeconds}:${intervalSeconds}:${probes}`, '\n        proxy_socket_keepalive on;'),
      note: 'so_keepalive is for connections from clients; proxy_socket_keepalive takes the kernel’s values (sysctl) towards servers',
    };
  },
};
export default nginx;
