import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LabError, messageOf } from '../../base/errors.ts';
import { endText } from '../../wire/endpoint.ts';
import type { Box, Entrance } from '../box.ts';
import type { LabHost, LabProcess } from '../lab.ts';
import type { ManyPlayer } from '../many.ts';

/**
 * The configuration of the proxy. The log line is HAProxy's own tcplog format (`%ci:%cp [%t] … %ts …`) with the
 * addresses of the connection to the server behind it, by which the two legs are matched.
 */
export function renderConfig(options: {
  address: string;
  port: number;
  next: readonly Entrance[];
  idleTimeoutSeconds: number;
  control: string;
}): string {
  const { address, port, next, idleTimeoutSeconds, control } = options;
  const timeout = `${Math.round(idleTimeoutSeconds * 1000)}ms`;
  return `global
    log stdout format raw local0
    nbthread 1
    stats socket ${control} mode 600 level admin

defaults
    mode tcp
    log global
    log-format "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq %bi:%bp"
    timeout connect 5s
    timeout client ${timeout}
    timeout server ${timeout}

frontend mq_in
    bind ${endText(address, port)}
    default_backend mq

backend mq
    balance roundrobin
${next.map((each) => `    server ${each.name} ${endText(each.address, each.port)}`).join('\n')}
`;
}

/** Waits until a proxy takes connections on its control socket. */
async function answers(host: LabHost, server: LabProcess, control: string): Promise<void> {
  const answered = (async () => {
    for (let attempt = 0; attempt < 500; attempt++) {
      try {
        await host.ask(control, 'show info');
        return;
      } catch {
        await sleep(10);
      }
    }
    throw new LabError(
      'SERVICE_SILENT',
      `haproxy did not answer on its control socket in 5 s:\n    ${server.lastLines.join('\n    ')}`,
      'run again; see config/haproxy.cfg',
    );
  })();
  await Promise.race([answered, server.died]);
}

const many: ManyPlayer = {
  program: { name: 'haproxy', versionArgs: ['-v'] },
  group: () => 'haproxy',
  async play({ host, folder, servers, ports }) {
    const address = host.serviceAddress ?? host.address;
    const control = join(folder, 'haproxy.sock');
    const services = ports.map(({ port, box }) => {
      const timeout = `${Math.round(box.middlebox.timeoutSeconds * 1000)}ms`;
      return `listen port_${port}
    bind ${endText(address, port)}
    timeout client ${timeout}
    timeout server ${timeout}
    server mq ${endText(servers[0]?.address ?? '', port)}
`;
    });
    const file = await host.placeText(
      'haproxy.cfg',
      `global
    nbthread 1
    stats socket ${control} mode 600 level admin

defaults
    mode tcp
    timeout connect 5s

${services.join('\n')}`,
    );
    await answers(host, host.spawn('haproxy', ['-db', '-f', file], { as: `haproxy on ${host.name}` }), control);
    return { address, sessions: () => host.ask(control, 'show sess all') };
  },
};

/** So soon after its end a process is known to have ended. */
const DEATH_NOTICE_MS = 1000;

/** What its control socket is called; a broker has one as well, by its own name and in the same folder. */
const SOCKET_NAME = 'haproxy';

const haproxy: Box = {
  many,
  params: z.strictObject({}),
  entrance: true,
  hidesClients: () => true,
  refuses: ({ hosts }) =>
    hosts.some(({ name, role }) => role === 'server' && name === SOCKET_NAME)
      ? {
          what: `its control socket and that of the server "${SOCKET_NAME}" would have one name`,
          todo: 'call the server something else',
        }
      : undefined,
  async play({ box, host, next, port, folder, writeConfig, spawn, onLogLine }) {
    const address = host.serviceAddress ?? host.address;
    const control = join(folder, `${SOCKET_NAME}.sock`);
    const file = await writeConfig(
      `${host.name}.cfg`,
      renderConfig({ address, port, next, idleTimeoutSeconds: box.timers.idleSeconds, control }),
    );
    const server = spawn('haproxy', ['-db', '-f', file], onLogLine);
    await answers(host, server, control);
    const sessions = async () => {
      try {
        return await host.ask(control, 'show sess all');
      } catch (error) {
        // Most likely it has just died, which its process will tell better.
        await Promise.race([server.died, sleep(DEATH_NOTICE_MS)]);
        throw new LabError(
          'SERVICE_SILENT',
          `haproxy does not answer on its control socket any more: ${messageOf(error)}`,
          'run again; see config/haproxy.cfg',
          error,
        );
      }
    };
    return { entrance: { address, port }, sessions };
  },
};
export default haproxy;
