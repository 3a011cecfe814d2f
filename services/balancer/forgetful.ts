// The L4 balancer as a container of its own, for docker-compose.yml and for other people's tests. What it is to do stands in
// the environment (FORGETFUL, a JSON list of services); it lives in the container's network namespace alone.
//
// usage: forgetful               sets the rules and stays; prints "ready"
//        forgetful flows         prints the flows that it tracks, and the ends that servers were shown since its start (JSON)
//        forgetful forget        forgets all flows at once; prints how many there were
//        forgetful patience <s>  another idle timeout for flows that begin from now on
//        forgetful sockets       prints the TCP sockets of this network namespace (JSON)
import { spawn, spawnSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { now } from '../../src/base/clock.ts';
import { messageOf } from '../../src/base/errors.ts';
import { moduleExtension } from '../../src/base/root.ts';
import { renderNewTimeout, renderRules } from '../../src/linux/balancer-rules.ts';
import { flowChanges, flowTable, forgetFlows, parseChange } from '../../src/linux/ctnetlink.ts';
import { socketTable } from '../../src/linux/inet-diag.ts';
import type { FlowsAnswer, Service } from '../../src/talk/forgetful.ts';
import { wayKey } from '../../src/wire/endpoint.ts';
import type { Flow } from '../../src/wire/flows.ts';

/** Upstreams may come up later than we. */
const NAME_TRIES = 100;
const NAME_PAUSE_MS = 200;
/** For how many connections there is room in the map of who was led where. */
const CONNECTIONS = 1000;

/** One line for each connection that it has led to a server. */
const MEMORY = '/var/lib/idlelab/lab/connections';
const REMEMBER_MS = 20;
const LOOK_MS = 200;

const services = JSON.parse(process.env.FORGETFUL ?? '[]') as Service[];
const tableOf = ({ port }: Service) => `balancer-${port}`;
const portOf = (upstream: string) => Number(upstream.slice(upstream.lastIndexOf(':') + 1));

function nft(rules: string): void {
  const { status, stderr, error } = spawnSync('nft', ['-f', '-'], { input: rules, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`nft: ${stderr.trim()}`);
}

async function addressOf(name: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await lookup(name, 4)).address;
    } catch (error) {
      if (attempt === NAME_TRIES) throw new Error(`upstream ${name} cannot be found: ${messageOf(error)}`);
      await sleep(NAME_PAUSE_MS);
    }
  }
}

/** Whether a flow leads from a client to an upstream. */
const leadsThrough = ({ original, reply }: Flow): boolean => {
  const ports = new Set(services.flatMap(({ upstreams }) => upstreams.map(portOf)));
  const listening = new Set(services.map(({ port }) => port));
  return listening.has(original.dport) && ports.has(reply.sport);
};
const flowsThrough = () => flowTable().filter(leadsThrough);

/** Writes down every connection that begins; the kernel keeps its events for us meanwhile. */
function remember(): void {
  writeFileSync(MEMORY, '');
  const changes = flowChanges();
  // Whoever resets both ends at the expiry must hear of it in time; the kernel drops what has expired when it is looked at.
  if (services.some(({ mode }) => mode === 'reset-both')) setInterval(flowTable, LOOK_MS);
  setInterval(() => {
    for (const message of changes.events().messages) {
      const change = parseChange(message, now());
      if (change?.event !== 'NEW' || !leadsThrough(change)) continue;
      appendFileSync(MEMORY, `${wayKey(change.reply)}\n`);
    }
  }, REMEMBER_MS);
}

async function everSeen(): Promise<string[]> {
  // The last of them may not have been written down yet.
  await sleep(3 * REMEMBER_MS);
  return readFileSync(MEMORY, 'utf8').split('\n').filter(Boolean);
}

/** Resolves when it sees packets. */
async function startResetter(service: Service): Promise<void> {
  const ports = `${service.port}/${service.upstreams.map(portOf).join(',')}`;
  const file = fileURLToPath(new URL(`./reset-both${moduleExtension}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, file, ports, String(service.idleTimeoutSeconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.once('exit', (code) => process.exit(code ?? 1));
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  // What it says later nobody reads.
  lines.on('line', () => {});
}

async function stay(): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
  const rules = await Promise.all(
    services.map(async (service) => {
      const brokers = await Promise.all(
        service.upstreams.map(async (upstream, index) => ({
          name: `upstream-${index + 1}`,
          address: await addressOf(upstream.slice(0, upstream.lastIndexOf(':'))),
          port: portOf(upstream),
        })),
      );
      return renderRules({
        table: tableOf(service),
        port: service.port,
        brokers,
        connections: CONNECTIONS,
        idleTimeoutSeconds: service.idleTimeoutSeconds,
        mode: service.mode,
        ownAddress: true,
      });
    }),
  );
  nft(rules.join('\n'));
  await Promise.all(services.filter(({ mode }) => mode === 'reset-both').map(startResetter));
  remember();
  console.log('ready');
}

function setPatience(seconds: number): void {
  for (const service of services)
    nft(
      renderNewTimeout({
        table: tableOf(service),
        port: service.port,
        serverPorts: [...new Set(service.upstreams.map(portOf))],
        name: `idle-${Date.now()}`,
        idleTimeoutSeconds: seconds,
      }),
    );
}

const [command, argument] = process.argv.slice(2);
if (command === undefined) await stay();
else if (command === 'flows')
  console.log(JSON.stringify({ flows: flowsThrough(), everSeen: await everSeen() } satisfies FlowsAnswer));
else if (command === 'forget') {
  const { length } = flowsThrough();
  forgetFlows();
  console.log(length);
} else if (command === 'patience') setPatience(Number(argument));
else if (command === 'sockets') console.log(JSON.stringify(socketTable()));
else throw new Error(`unknown command ${command}`);
