// The L4 balancer as a container of its own, for docker-compose.yml and for other people's tests. What it is to do stands in
// the environment (FORGETFUL, a JSON list of services); it lives in the container's network namespace alone.
//
// usage: forgetful               sets the rules and stays; prints "ready"
//        forgetful flows         prints the flows that it tracks (JSON)
//        forgetful forget        forgets all flows at once; prints how many there were
//        forgetful patience <s>  another idle timeout for flows that begin from now on
//        forgetful sockets       prints the TCP sockets of this network namespace (JSON)
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/errors.ts';
import { flowTable, forgetFlows } from '../../src/linux/ctnetlink.ts';
import { socketTable } from '../../src/linux/inet-diag.ts';
import { moduleExtension } from '../../src/root.ts';
import { type Mode, renderNewTimeout, renderRules } from './rules.ts';

/** One port that it listens on. */
export interface Service {
  port: number;
  /** "host:port"; a host by its name or address. */
  upstreams: string[];
  idleTimeoutSeconds: number;
  mode: Mode;
}

/** Upstreams may come up later than we. */
const NAME_TRIES = 100;
const NAME_PAUSE_MS = 200;
/** For how many connections there is room in the map of who was led where. */
const CONNECTIONS = 1000;

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

/** The flows that lead from a client to an upstream. */
const flowsThrough = () => {
  const ports = new Set(services.flatMap(({ upstreams }) => upstreams.map(portOf)));
  const listening = new Set(services.map(({ port }) => port));
  return flowTable().filter(({ original, reply }) => listening.has(original.dport) && ports.has(reply.sport));
};

function startResetter(service: Service): ChildProcess {
  const ports = [service.port, ...service.upstreams.map(portOf)].join(',');
  const file = fileURLToPath(new URL(`./reset-both${moduleExtension}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, file, ports, String(service.idleTimeoutSeconds)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  child.once('exit', (code) => process.exit(code ?? 1));
  return child;
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
  for (const service of services) if (service.mode === 'reset-both') startResetter(service);
  console.log('ready');
  setInterval(() => {}, 2 ** 30);
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
else if (command === 'flows') console.log(JSON.stringify(flowsThrough()));
else if (command === 'forget') {
  const { length } = flowsThrough();
  forgetFlows();
  console.log(length);
} else if (command === 'patience') setPatience(Number(argument));
else if (command === 'sockets') console.log(JSON.stringify(socketTable()));
else throw new Error(`unknown command ${command}`);
