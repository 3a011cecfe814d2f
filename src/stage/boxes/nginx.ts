import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LabError } from '../../base/errors.ts';
import { endText } from '../../wire/endpoint.ts';
import type { Box } from '../box.ts';
import type { LabHost } from '../lab.ts';
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

async function listens(host: LabHost, port: number): Promise<boolean> {
  // ":2710" is the port in hexadecimal, "0A" the state LISTEN.
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`:${hex} \\S+ 0A `).test((await host.procNet('tcp')) ?? '');
}

const many: ManyPlayer = {
  program: { name: 'nginx', versionArgs: ['-v'] },
  group: () => 'nginx',
  async play({ host, folder, servers, ports }) {
    const address = host.serviceAddress ?? host.address;
    const text = renderConfig(address, ports, servers[0]?.address as string, folder);
    const file = await host.placeText('nginx.conf', text);
    const process = host.spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', file], {
      as: `nginx on ${host.name}`,
    });
    const last = ports.at(-1)?.port as number;
    const answered = (async () => {
      for (let waited = 0; waited < ANSWER_MS; waited += 10) {
        if (await listens(host, last)) return;
        await sleep(10);
      }
      throw new LabError(
        'SERVICE_SILENT',
        `nginx did not listen in ${ANSWER_MS / 1000} s:\n    ${process.lastLines.join('\n    ')}`,
        'it needs its stream module: apt-get install nginx-light libnginx-mod-stream',
      );
    })();
    await Promise.race([answered, process.died]);
    return { address };
  },
};

const REFUSAL = {
  what: 'nginx does not log why it ended a session, which a scenario must show',
  todo: 'measure it: npm run sweep -- --middlebox nginx-stream; or play a scenario with haproxy',
};

const nginx: Box = {
  many,
  params: z.strictObject({}),
  entrance: true,
  hidesClients: () => true,
  refuses: () => REFUSAL,
  play: () => Promise.reject(new LabError('BAD_OPTION', REFUSAL.what, REFUSAL.todo)),
};
export default nginx;
