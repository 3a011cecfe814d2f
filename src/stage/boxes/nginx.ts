import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LabError } from '../../base/errors.ts';
import { DURATION_LIMITS } from '../../plan/limits.ts';
import { durationParam } from '../../plan/params.ts';
import type { BoxTimers } from '../../plan/plan.ts';
import { endText } from '../../wire/endpoint.ts';
import { NginxSessions } from '../../wire/nginx-log.ts';
import type { Box, Entrance } from '../box.ts';
import type { LabHost, LabProcess } from '../lab.ts';
import type { ManyPlayer, ManyPort } from '../many.ts';

/** Where Debian and Ubuntu put it; other builds have it built in. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** The configuration of many proxies, each with a port and a time-out of its own. */
export function renderConfig(address: string, ports: readonly ManyPort[], server: string, folder: string): string {
  const services = ports.map(
    ({ port, box }) => `    server {
        listen ${endText(address, port)};
        proxy_pass ${endText(server, port)};
        proxy_timeout ${Math.round(box.middlebox.timeoutSeconds * 1000)}ms;
    }
`,
  );
  return `${existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};\n` : ''}daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr warn;
events {
    worker_connections 16384;
}
stream {
${services.join('\n')}}
`;
}

const ANSWER_MS = 5000;

/** Whether anything listens on a port there. */
async function listens(host: LabHost, port: number): Promise<boolean> {
  // ":2710" is the port in hexadecimal, "0A" the state LISTEN.
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(['tcp', 'tcp6'].map((file) => host.procNet(file)));
  return tables.some((table) => new RegExp(`:${hex} \\S+ 0A `).test(table ?? ''));
}

/** Waits until nginx takes connections. @throws LabError SERVICE_SILENT, SERVICE_DIED */
async function answers(host: LabHost, process: LabProcess, port: number): Promise<void> {
  const answered = (async () => {
    for (let waited = 0; waited < ANSWER_MS; waited += 10) {
      if (await listens(host, port)) return;
      await sleep(10);
    }
    throw new LabError(
      'SERVICE_SILENT',
      `nginx did not listen in ${ANSWER_MS / 1000} s:\n    ${process.lastLines.join('\n    ')}`,
      'it needs its stream module: apt-get install nginx-light libnginx-mod-stream',
    );
  })();
  await Promise.race([answered, process.died]);
}

const many: ManyPlayer = {
  program: { name: 'nginx', versionArgs: ['-v'] },
  // In mode http its clients would have to speak that.
  group: ({ playedBy }) => (paramsOf(playedBy).mode === 'stream' ? 'nginx' : undefined),
  async play({ host, folder, servers, ports }) {
    const address = host.serviceAddress ?? host.address;
    const text = renderConfig(address, ports, servers[0]?.address as string, folder);
    const file = await host.placeText('nginx.conf', text);
    const process = host.spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', file], {
      as: `nginx on ${host.name}`,
    });
    await answers(host, process, ports.at(-1)?.port as number);
    return { address };
  },
};

const seconds = durationParam(DURATION_LIMITS.proxyIdleTimeout);

/**
 * The box's own timers are proxy_timeout or, in mode http, keepalive_timeout on either side, and keepalive_time for the longest
 * life: it closes a client's connection with the first answer after that. These are others, each by its own word.
 */
const nginxParams = z.strictObject({
  mode: z.enum(['stream', 'http']).default('stream'),
  proxyRead: seconds.optional().describe('proxy_read_timeout and proxy_send_timeout: within a request (mode http)'),
});
type Params = z.output<typeof nginxParams>;
const paramsOf = (playedBy: Record<string, unknown>): Params => nginxParams.parse(playedBy.nginx);

const ms = (value: number): string => `${Math.round(value * 1000)}ms`;

/** How many idle connections towards servers it keeps; a scenario's pool fits. */
const KEPT_UPSTREAM = 10_000;

/** The configuration of one proxy in a scenario. */
export function renderProxy(options: {
  address: string;
  port: number;
  next: readonly Entrance[];
  timers: BoxTimers;
  params: Params;
  folder: string;
  name: string;
}): string {
  const { address, port, next, timers, params, folder, name } = options;
  const servers = next.map((each) => `        server ${endText(each.address, each.port)};`).join('\n');
  const { clientSeconds, serverSeconds } = timers.sides ?? {
    clientSeconds: timers.idleSeconds,
    serverSeconds: timers.idleSeconds,
  };
  const head = `${existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};\n` : ''}daemon off;
master_process off;
pid ${folder}/nginx.${name}.pid;
error_log stderr info;
events {
    worker_connections 65536;
}
`;
  if (params.mode === 'stream')
    return `${head}stream {
    upstream mq {
${servers}
    }
    server {
        listen ${endText(address, port)};
        proxy_pass mq;
        proxy_timeout ${ms(timers.idleSeconds)};
    }
}
`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const within = params.proxyRead ?? 60;
  return `${head}http {
    access_log off;
${temporary.map((what) => `    ${what}_temp_path ${folder}/nginx.${name}-${what};`).join('\n')}
    upstream mq {
${servers}
        keepalive ${KEPT_UPSTREAM};
        keepalive_timeout ${ms(serverSeconds)};
        keepalive_requests 1000000;
    }
    server {
        listen ${endText(address, port)};
        keepalive_timeout ${ms(clientSeconds)};
        keepalive_requests 1000000;
${timers.lifeSeconds === undefined ? '' : `        keepalive_time ${ms(timers.lifeSeconds)};\n`}        location / {
            proxy_pass http://mq;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout ${ms(within)};
            proxy_send_timeout ${ms(within)};
        }
    }
}
`;
}

const nginx: Box = {
  many,
  params: nginxParams,
  entrance: true,
  hidesClients: () => true,
  refuses({ box: { timers, playedBy } }) {
    const { mode } = paramsOf(playedBy);
    if (timers.lifeSeconds !== undefined && mode === 'stream')
      return {
        what: 'nginx’s stream module has no limit to how long a session may live',
        todo: 'leave out "life"; an L4 box such as l4-reset can have one',
      };
    return timers.sides !== undefined && mode === 'stream'
      ? {
          what: 'nginx’s stream module has one timer, proxy_timeout, for both sides',
          todo: 'write one idleTimeout; haproxy has two',
        }
      : undefined;
  },
  async play({ box, host, next, port, folder, writeConfig, spawn, onLogLine, now }) {
    const address = host.serviceAddress ?? host.address;
    const params = paramsOf(box.playedBy);
    const file = await writeConfig(
      `${host.name}.conf`,
      renderProxy({ address, port, next, timers: box.timers, params, folder, name: host.name }),
    );
    const log = new NginxSessions();
    const process = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', file], undefined, (line) => {
      onLogLine(line, log.read(line, now()));
    });
    await answers(host, process, port);
    return {
      entrance: { address, port },
      // In mode http it does not tell which of its connections serve which client.
      ...(params.mode === 'stream' ? { sessions: () => Promise.resolve({ sessions: log.live }) } : {}),
    };
  },
};
export default nginx;
