import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import { enterLab } from '../../../src/engines/netns/engine.ts';
import type { SeenSocket } from '../../../src/stage/lab.ts';
import type { Flow } from '../../../src/wire/flows.ts';

interface HostRoutes {
  name: string;
  interfaces: string[];
  wantedInterfaces: string[];
  seen: string[];
  wanted: string[];
}
interface Said {
  seconds?: number;
  after?: number;
}
interface Found {
  routes: HostRoutes[];
  mended: HostRoutes[];
  impairableRoutes: HostRoutes[];
  connected: string;
  plain: number;
  socket: SeenSocket & { address: string };
  serverSocket: SeenSocket;
  flows: Flow[];
  lossOfData: Said;
  lossOfEmpty: Said;
  duplicate: Said;
  delay: Said | string;
  forgotten: Flow[];
  dropped: SeenSocket[];
  ending: string[];
  left: string[];
  sent: Record<string, number[]>;
  arrived: Record<string, number[]>;
}

/** What graph-probe.ts found, as the first process of a lab. */
async function probe(ip: string): Promise<Found> {
  const child = enterLab([process.execPath, join(packageRoot, 'test/engines/netns/graph-probe.ts'), ip]);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, errors).toBe(0);
  return JSON.parse(output) as Found;
}

/** A word of the probe with its line's end. */
const lengthOf = (word: string) => word.length + 1;

describe.each(['v4', 'v6'])('two clients, a chain of four boxes and two servers under %s', (ip) => {
  let found: Found;
  beforeAll(async () => {
    found = await probe(ip);
  });
  const expectRoutes = (hosts: HostRoutes[]) => {
    for (const { seen, wanted, interfaces, wantedInterfaces, name } of hosts) {
      expect(interfaces, name).toEqual(wantedInterfaces);
      expect(seen, name).toEqual(wanted);
    }
  };

  it('every host’s kernel has the routes of the topology and no other, and its interfaces', () => {
    expect(found.routes.length).toBe(8);
    expectRoutes(found.routes);
  });
  it('the same after every host’s cable was pulled and mended', () => expectRoutes(found.mended));
  it('the same where packets can be lost on the links', () => expectRoutes(found.impairableRoutes));

  it('a connection passes all boxes with its addresses, and both kernels tell their own values for it', () => {
    expect(found.connected).toMatch(/^connected \d+$/);
    expect(found.plain).toBeGreaterThan(0);
    expect(found.socket.local).toContain(found.socket.address);
    expect(found.serverSocket).toMatchObject({ local: found.socket.peer, peer: found.socket.local });
    for (const { kernel } of [found.socket, found.serverSocket])
      expect(kernel).toMatchObject({ keepalive: false, idleSeconds: 7200 });
  });

  it('the box that tracks it knows it by both ends', () => {
    const [flow] = found.flows;
    expect(found.flows.length).toBe(1);
    expect(flow).toMatchObject({ state: 'ESTABLISHED', assured: true });
    const end = (address: string | undefined, port: number | undefined) =>
      ip === 'v4' ? `${address}:${port}` : `[${address}]:${port}`;
    expect(end(flow?.original.src, flow?.original.sport)).toBe(found.socket.local);
    expect(end(flow?.original.dst, flow?.original.dport)).toBe(found.socket.peer);
  });

  const times = (seen: Record<string, number[]>, length: number) => seen[length]?.length ?? 0;
  it('a lost packet was sent, has not arrived, and is sent again; the next is not lost', () => {
    expect(times(found.sent, lengthOf('lost once'))).toBe(2);
    expect(times(found.arrived, lengthOf('lost once'))).toBe(1);
    expect(times(found.arrived, lengthOf('lost once after'))).toBe(1);
  });
  it('only packets without data are lost where that was asked for', () => {
    expect(times(found.sent, 0)).toBeGreaterThan(times(found.arrived, 0));
    expect(times(found.sent, lengthOf('no bare acks'))).toBe(1);
    expect(times(found.arrived, lengthOf('no bare acks'))).toBe(1);
  });
  it('a doubled packet was sent once and arrives twice', () => {
    expect(times(found.sent, lengthOf('twice'))).toBe(1);
    expect(times(found.arrived, lengthOf('twice'))).toBe(2);
    expect(times(found.arrived, lengthOf('twice after'))).toBe(1);
  });
  it('a delayed packet arrives later than it was sent, or the kernel’s refusal is told', () => {
    if (typeof found.delay === 'string') {
      expect(found.delay).toBe('WRONG_KERNEL');
      return;
    }
    const [sent, arrived] = [found.sent, found.arrived].map((seen) => seen[lengthOf('late')]?.[0] as number);
    expect((arrived as number) - (sent as number)).toBeGreaterThan(0.29);
  });

  it('a table that was forgotten is empty', () => expect(found.forgotten).toEqual([]));
  it('sockets that were dropped are gone without a word to the other end', () => {
    expect(found.dropped).toEqual([]);
    expect(found.ending).toEqual(['error ECONNABORTED', 'closed']);
    expect(found.left).toEqual(['ESTABLISHED']);
  });
});
