import { join } from 'node:path';
import { LEDGER } from '../../talk/ledger.ts';
import type { Broker } from '../broker.ts';

const socketFile = (folder: string, host: string) => join(folder, `${host}.sock`);

/** A real redis-server. Its one number `tcp-keepalive n` makes the kernel's idle n, interval n/3, 3 probes (anet.c). */
const redis: Broker = {
  port: 6379,
  refuses: ({ keepalive, tcpRetries2: _, tcpOrphanRetries: __, ...rest }) => {
    if (typeof keepalive === 'object' && (keepalive.intervalSeconds !== undefined || keepalive.probes !== undefined))
      return 'redis-server has one number, tcp-keepalive: it makes the interval a third of idle, and the probes 3';
    if (typeof keepalive === 'object' && (keepalive.idleSeconds < 1 || !Number.isInteger(keepalive.idleSeconds)))
      return 'tcp-keepalive counts whole seconds from 1; write "off" for none';
    return Object.keys(rest).length > 0 ? `redis-server has no ${Object.keys(rest).join(', ')}` : undefined;
  },
  render: ({ host, folder, tuning }) => {
    const { keepalive } = tuning;
    const tcpKeepalive = keepalive === undefined ? undefined : keepalive === 'off' ? 0 : keepalive.idleSeconds;
    return {
      config: [
        `bind ${host.address}`,
        'port 6379',
        'protected-mode no',
        'daemonize no',
        'save ""',
        'appendonly no',
        `dir ${folder}`,
        `unixsocket ${socketFile(folder, host.name)}`,
        // Housekeeping once a second instead of ten times: nothing the lab looks at depends on it.
        'hz 1',
        ...(tcpKeepalive === undefined ? [] : [`tcp-keepalive ${tcpKeepalive}`]),
        '',
      ].join('\n'),
      program: 'redis-server',
      args: (file) => [file],
    };
  },
  // No `timeout`, no keys that expire, no saving, no replicas: its timer finds nothing to do.
  onlyServes: true,
  ready: /Ready to accept connections/,
  ledger: async ({ host, folder }) =>
    (await host.run('redis-cli', ['-s', socketFile(folder, host.name), 'LRANGE', LEDGER, '0', '-1']))
      .split('\n')
      .filter((line) => line !== ''),
};
export default redis;
