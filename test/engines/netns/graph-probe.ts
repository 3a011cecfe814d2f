// Brings labs up as network namespaces and tries what hosts can do there. Run by graph.test.ts as the first process of a lab;
// prints one JSON document.
//
// usage: graph-probe <v4|v6>

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import { openGround } from '../../../src/engines/netns/network.ts';
import type { ActPlan, HostPlan } from '../../../src/plan/plan.ts';
import { type IpFamily, topologyOf } from '../../../src/plan/topology.ts';
import type { Impairment, Lab, LabHost, LabProcess } from '../../../src/stage/lab.ts';

const [ip] = process.argv.slice(2) as [IpFamily];
const PORT = 7000;
const host = (name: string, role: HostPlan['role'], more: object = {}) => ({ name, role, ...more }) as HostPlan;
const act = {
  name: 'graph',
  ip,
  hosts: [
    host('web', 'client'),
    host('batch', 'client'),
    ...['nat', 'fw', 'nlb', 'edge'].map((name) => host(name, 'middlebox', { hidesClients: false })),
    host('mq-1', 'server'),
    host('mq-2', 'server'),
  ],
  paths: [
    { client: 'web', boxes: ['nat', 'fw', 'nlb', 'edge'], servers: ['mq-1', 'mq-2'] },
    { client: 'batch', boxes: ['nlb', 'edge'], servers: ['mq-1', 'mq-2'] },
  ],
  timeline: [],
} as unknown as ActPlan;

/** Answers every line with the same line. */
const SERVER = `require('node:net').createServer((socket) => { socket.on('error', () => {}); socket.pipe(socket) })
  .listen({ port: ${PORT}, host: process.argv[1] }, () => console.log('ready'))`;
/** Keeps a connection; says each line that comes back, and how it ends. */
const CLIENT = `const socket = require('node:net').connect({ port: ${PORT}, host: process.argv[1] });
socket.on('connect', () => console.log('connected ' + socket.localPort));
socket.on('data', (data) => console.log('heard ' + String(data).trim()));
socket.on('error', ({ code }) => console.log('error ' + code)).on('close', () => console.log('closed'));
process.stdin.on('data', (data) => socket.write(data))`;

interface Talk {
  process: LabProcess;
  lines: string[];
  /** Writes a line. @returns seconds until it is back; undefined after 2 s */
  say(word: string): Promise<number | undefined>;
}

async function until(ready: () => boolean, seconds = 2): Promise<boolean> {
  for (const end = now() + seconds; now() < end; await sleep(5)) if (ready()) return true;
  return ready();
}

async function talk(from: LabHost, to: string): Promise<Talk> {
  const lines: string[] = [];
  const process = from.spawn('node', ['-e', CLIENT, to], { input: 'pipe', onLine: (line) => lines.push(line) });
  process.expectEnd();
  await until(() => lines.length > 0, 5);
  return {
    process,
    lines,
    async say(word) {
      const began = now();
      process.write(word);
      return (await until(() => lines.includes(`heard ${word}`))) ? now() - began : undefined;
    },
  };
}

async function serve(host: LabHost): Promise<void> {
  const server = host.spawn('node', ['-e', SERVER, ip === 'v4' ? '0.0.0.0' : '::']);
  server.expectEnd();
  await server.line(/^ready$/);
}

async function routesAreThose(lab: Lab): Promise<unknown[]> {
  const topology = topologyOf(act);
  const text = ({ to, via, nic }: { to: string; via?: string | undefined; nic?: string | undefined }) =>
    `${to} ${via ?? 'link'} ${nic}`;
  return Promise.all(
    topology.hosts.map(async ({ name, nics, routes }) => ({
      name,
      interfaces: [...lab.host(name).interfaces.values()].sort(),
      wantedInterfaces: ['lo', ...nics.map((nic) => nic.name)].sort(),
      seen: (await lab.host(name).routes())
        .filter(({ nic }) => nic !== 'lo')
        .map(text)
        .sort(),
      wanted: [
        ...routes.map(text),
        ...topology.links
          .filter(({ ends }) => ends.includes(name))
          .map(({ ends, network }) => {
            const peer = ends[0] === name ? ends[1] : ends[0];
            return text({ to: network, nic: nics.find((nic) => nic.peer === peer)?.name });
          }),
      ].sort(),
    })),
  );
}

const found: Record<string, unknown> = {};
using ground = openGround();

// Routes, before and after every host's cable was pulled.
{
  await using lab = await ground.up(act, '/run/idlelab/routes');
  found.routes = await routesAreThose(lab);
  for (const each of lab.hosts.values()) await each.setLinks(false);
  for (const each of lab.hosts.values()) await each.setLinks(true);
  found.mended = await routesAreThose(lab);
}

// What happens to packets on their way.
{
  await using lab = await ground.up(act, '/run/idlelab/impaired', { impairable: ['web', 'batch'] });
  found.impairableRoutes = await routesAreThose(lab);
  const [web, nlb, mq] = ['web', 'nlb', 'mq-1'].map((name) => lab.host(name)) as [LabHost, LabHost, LabHost];
  await serve(mq);
  // Both boxes only pass: what is tracked is seen.
  await nlb.run('nft', ['-f', '-'], {
    input: 'table inet t { chain c { type filter hook forward priority 0; ct state invalid drop; }; }',
    privileged: true,
  });
  const address = mq.addressTowards('edge');
  const one = await talk(web, address);
  found.connected = one.lines[0];
  found.plain = await one.say('plain');
  const [socket] = (await web.sockets()).sockets;
  found.socket = { local: socket?.local, peer: socket?.peer, kernel: socket?.kernel, address: web.address };
  found.serverSocket = (await mq.sockets()).sockets[0];
  found.flows = await nlb.flows();

  const during = async (impairment: Impairment, word: string) => {
    await web.impair(impairment);
    const seconds = await one.say(word);
    // A bare ACK is sent 40 ms after what it is for.
    await sleep(100);
    await web.unimpair();
    const after = await one.say(`${word} after`);
    return { seconds, after };
  };
  const evidence = '/run/idlelab/evidence';
  (await import('node:fs')).mkdirSync(evidence, { recursive: true });
  const captures = Object.fromEntries([...lab.hosts.keys()].map((name) => [name, join(evidence, `${name}.pcap`)]));
  await lab.watch.start({
    act: 'graph',
    folder: evidence,
    socketsFile: 'sockets',
    flowsFile: 'flows',
    hosts: [...lab.hosts.keys()].map((name) => ({ name, capture: captures[name] as string })),
    middleboxes: ['nlb'],
    slots: 4096,
    clockJumps: false,
  });
  found.lossOfData = await during({ loss: { kind: 'data', direction: 'out', packets: 1 } }, 'lost once');
  found.lossOfEmpty = await during({ loss: { kind: 'empty' } }, 'no bare acks');
  found.duplicate = await during({ duplicate: { kind: 'data', direction: 'out', packets: 2 } }, 'twice');
  try {
    found.delay = await during({ delaySeconds: 0.3, delayed: { direction: 'out' } }, 'late');
  } catch (error) {
    found.delay = (error as { code?: string; todo?: string }).code;
  }
  await web.forgetFlows();
  await nlb.forgetFlows();
  found.forgotten = await nlb.flows();
  await web.dropSockets();
  found.dropped = (await web.sockets()).sockets;
  await until(() => one.lines.includes('closed'));
  found.ending = one.lines.slice(-2);
  found.left = (await mq.sockets()).sockets.map(({ state }) => state);
  await lab.watch.stop();
  const { readFileSync } = await import('node:fs');
  const { PcapStream } = await import('../../../src/wire/pcap.ts');
  const { parsePacket } = await import('../../../src/wire/packet.ts');
  // How often a segment of the client's was seen at both ends of the first link, by its length.
  const seen = (host: string, outgoing: boolean) => {
    const times: Record<number, number[]> = {};
    for (const frame of new PcapStream().push(readFileSync(captures[host] as string))) {
      const packet = parsePacket(frame.data, frame.linkType);
      if (packet?.dport === PORT && packet.outgoing === outgoing)
        times[packet.length] = [...(times[packet.length] ?? []), frame.time];
    }
    return times;
  };
  found.sent = seen('web', true);
  // One link on, it leaves a box as well as it comes.
  found.arrived = seen('nat', false);
}
console.log(JSON.stringify(found));
process.exit();
