import { join } from 'node:path';
import { LabError } from '../../base/errors.ts';
import type { Tuning } from '../../plan/plan.ts';
import { LEDGER } from '../../talk/ledger.ts';
import { parseEndpoint } from '../../wire/endpoint.ts';
import type { Server } from '../server.ts';

const PORT = 6379;

/** What its host and a folder there make of a tuning. */
export function renderConfig(options: {
  addresses: readonly string[];
  folder: string;
  socket: string;
  keepalive: Tuning['keepalive'];
}): string {
  const { addresses, folder, socket, keepalive } = options;
  const tcpKeepalive = keepalive === undefined ? undefined : keepalive === 'off' ? 0 : keepalive.idleSeconds;
  return [
    `bind ${addresses.join(' ')}`,
    `port ${PORT}`,
    'protected-mode no',
    'daemonize no',
    'save ""',
    'appendonly no',
    `dir ${folder}`,
    `unixsocket ${socket}`,
    // Housekeeping once a second instead of ten times: nothing the lab looks at depends on it.
    'hz 1',
    ...(tcpKeepalive === undefined ? [] : [`tcp-keepalive ${tcpKeepalive}`]),
    '',
  ].join('\n');
}

/** A real redis-server. Its one number `tcp-keepalive n` makes the kernel's idle n, interval n/3, 3 probes (anet.c). */
const redis: Server = {
  port: PORT,
  can: ['close'],
  refuses: ({ keepalive, tcpRetries2: _, tcpOrphanRetries: __, ...rest }) => {
    if (typeof keepalive === 'object' && (keepalive.intervalSeconds !== undefined || keepalive.probes !== undefined))
      return 'redis-server has one number, tcp-keepalive: it makes the interval a third of idle, and the probes 3';
    if (typeof keepalive === 'object' && (keepalive.idleSeconds < 1 || !Number.isInteger(keepalive.idleSeconds)))
      return 'tcp-keepalive counts whole seconds from 1; write "off" for none';
    return Object.keys(rest).length > 0 ? `redis-server has no ${Object.keys(rest).join(', ')}` : undefined;
  },
  // No `timeout`, no keys that expire, no saving, no replicas: its timer finds nothing to do.
  onlyServes: true,
  async start({ host, folder, tuning, writeConfig }) {
    const socket = join(folder, `${host.name}.sock`);
    const config = renderConfig({ addresses: host.addresses, folder, socket, keepalive: tuning.keepalive });
    const file = await writeConfig(`${host.name}.conf`, config);
    const process = host.spawn('redis-server', [file], { as: `redis on ${host.name}` });
    await process.line(/Ready to accept connections/);
    const ask = (...command: string[]) => host.run('redis-cli', ['-s', socket, ...command]);
    return {
      process,
      ledger: async () =>
        (await ask('LRANGE', LEDGER, '0', '-1'))
          .split('\n')
          .map((line) => line.trimEnd())
          .filter((line) => line !== ''),
      // Its `close` alone: CLIENT KILL closes as the server does of its own accord.
      async perform(_, __, { of } = {}) {
        if (of === undefined) {
          await ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          return;
        }
        const peers = [...(await ask('CLIENT', 'LIST')).matchAll(/ addr=(\S+) /g)].map(([, peer]) => peer as string);
        const theirs = peers.filter((peer) => of.addresses.includes(parseEndpoint(peer)?.address ?? ''));
        if (theirs.length === 0)
          throw new LabError(
            'STEP_FAILED',
            `${host.name} knows no connection with ${of.client} by its address`,
            'where a box shows its own address instead, leave out "to", or take a tcp server',
          );
        for (const peer of theirs) await ask('CLIENT', 'KILL', 'ADDR', peer);
      },
    };
  },
};
export default redis;
