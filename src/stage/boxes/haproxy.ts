import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LabError, messageOf } from '../../base/errors.ts';
import { DURATION_LIMITS } from '../../plan/limits.ts';
import { durationParam } from '../../plan/params.ts';
import type { BoxTimers, MiddleboxPlan } from '../../plan/plan.ts';
import { endText } from '../../wire/endpoint.ts';
import { parseProxyLog, parseProxySessions } from '../../wire/haproxy-log.ts';
import type { Box, Entrance } from '../box.ts';
import type { LabHost, LabProcess } from '../lab.ts';
import type { ManyPlayer } from '../many.ts';

const seconds = durationParam(DURATION_LIMITS.proxyIdleTimeout);

/** `timeout client` and `timeout server` are the box's own timers; these are HAProxy's others, each by its own word. */
const haproxyParams = z.strictObject({
  mode: z.enum(['tcp', 'http']).default('tcp'),
  tunnel: seconds.optional().describe('timeout tunnel: instead of both once data has gone both ways (mode tcp)'),
  clientFin: seconds.optional().describe('timeout client-fin: instead of timeout client once the client has closed'),
  serverFin: seconds.optional().describe('timeout server-fin'),
  httpRequest: seconds.optional().describe('timeout http-request: until a whole request has come'),
});
type Params = z.output<typeof haproxyParams>;

const paramsOf = ({ playedBy }: Pick<MiddleboxPlan, 'playedBy'>): Params => haproxyParams.parse(playedBy.haproxy);

const milliseconds = (value: number): string => `${Math.round(value * 1000)}ms`;

/** The timers towards the clients and towards the servers. */
export const sidesOf = ({ idleSeconds, sides }: BoxTimers) =>
  sides ?? { clientSeconds: idleSeconds, serverSeconds: idleSeconds };

function timeouts(timers: BoxTimers, { mode, tunnel, clientFin, serverFin, httpRequest }: Params): string {
  const { clientSeconds, serverSeconds } = sidesOf(timers);
  const lines: [string, number | undefined][] = [
    ['connect', 5],
    ['client', clientSeconds],
    ['server', serverSeconds],
    ['tunnel', tunnel],
    ['client-fin', clientFin],
    ['server-fin', serverFin],
    // Between two requests of a connection; without it that is the business of http-request.
    ['http-keep-alive', mode === 'http' ? clientSeconds : undefined],
    ['http-request', httpRequest],
  ];
  return lines
    .flatMap(([name, value]) => (value === undefined ? [] : [`    timeout ${name} ${milliseconds(value)}`]))
    .join('\n');
}

/**
 * The configuration of the proxy. The log line is HAProxy's own tcplog format (`%ci:%cp [%t] … %ts …`) with the
 * addresses of the connection to the server behind it, by which the two legs are matched.
 */
export function renderConfig(options: {
  address: string;
  port: number;
  next: readonly Entrance[];
  timers: BoxTimers;
  params: Params;
  control: string;
}): string {
  const { address, port, next, timers, params, control } = options;
  return `global
    log stdout format raw local0
    nbthread 1
    stats socket ${control} mode 600 level admin

defaults
    mode ${params.mode}
    log global
    log-format "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq %bi:%bp"
${timeouts(timers, params)}

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
  // In mode http its clients would have to speak that.
  group: ({ playedBy }) => (paramsOf({ playedBy }).mode === 'tcp' ? 'haproxy' : undefined),
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
    return {
      address,
      async sessions() {
        const text = await host.ask(control, 'show sess all');
        return { sessions: parseProxySessions(text), text };
      },
    };
  },
};

/** So soon after its end a process is known to have ended. */
const DEATH_NOTICE_MS = 1000;

const haproxy: Box = {
  many,
  params: haproxyParams,
  entrance: true,
  hidesClients: () => true,
  refuses: ({ box: { timers } }) =>
    timers.lifeSeconds === undefined
      ? undefined
      : {
          what: 'HAProxy has no limit to how long a session may live',
          todo: 'leave out "life"; an L4 box such as l4-reset can have one',
        },
  async play({ box, host, next, port, folder, writeConfig, spawn, onLogLine }) {
    const address = host.serviceAddress ?? host.address;
    // Hosts may share a folder; no host has a name with a dot, so no server has this socket.
    const control = join(folder, `haproxy.${host.name}.sock`);
    const params = paramsOf(box);
    const file = await writeConfig(
      `${host.name}.cfg`,
      renderConfig({ address, port, next, timers: box.timers, params, control }),
    );
    const server = spawn('haproxy', ['-db', '-f', file], (line) => onLogLine(line, parseProxyLog(line)));
    await answers(host, server, control);
    const sessions = async () => {
      try {
        const text = await host.ask(control, 'show sess all');
        return { sessions: parseProxySessions(text), text };
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
