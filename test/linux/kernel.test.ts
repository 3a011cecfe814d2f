import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { Flow, FlowEvent } from '../../src/wire/flows.ts';
import type { SocketRow } from '../../src/wire/sockets.ts';

interface Probed {
  local: string;
  hz: number;
  readable: number;
  readAt: number;
  table: SocketRow[];
  flows: Flow[];
  procTcp: string;
  ends: SocketRow[];
  changes: FlowEvent[];
  packets: { seconds: number; packet?: { flags: string; sport: number; dport: number; outgoing: boolean } }[];
  dropped: number;
  droppedOfTwo: number;
  keptOfTwo: number;
}

const probe = join(packageRoot, 'test/linux/probe.ts');
let seen: Probed;
beforeAll(() => {
  const command = ['--user', '--map-root-user', '--net', process.execPath, probe];
  seen = JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' })) as Probed;
});
const SERVER = '127.0.0.1:6379';

/** "0100007F:18EB" of /proc/net/tcp, as people write it. */
const procEnd = (text: string) => {
  const [address = '', port = ''] = text.split(':');
  return `${[...Buffer.from(address, 'hex')].reverse().join('.')}:${Number.parseInt(port, 16)}`;
};

describe('what the kernel says of a connection', () => {
  it('its table of sockets is the one of /proc/net/tcp: ends, queues and inodes', () => {
    const rows = seen.procTcp
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state !== undefined && state !== '0A')
      .map(([, local, peer, , , , , , , inode]) => ({
        local: procEnd(local as string),
        peer: procEnd(peer as string),
        inode: Number(inode),
      }));
    expect(rows.length).toBe(2);
    const sort = <T extends { local: string }>(list: T[]) => list.sort((a, b) => a.local.localeCompare(b.local));
    expect(sort(seen.table.map(({ local, peer, inode }) => ({ local, peer, inode })))).toEqual(sort(rows));
  });

  it('the states of a half-closed connection, and the keepalive timer as ss -o shows it', () => {
    const client = seen.table.find(({ local }) => local === seen.local);
    expect(client).toMatchObject({ state: 'CLOSE-WAIT', peer: SERVER, timer: { kind: 'keepalive', retries: 0 } });
    expect(client?.timer?.seconds).toBeGreaterThan(90);
    expect(client?.timer?.seconds).toBeLessThan(117);
    expect(seen.table.find(({ local }) => local === SERVER)?.state).toBe('FIN-WAIT-2');
  });

  it('the flow, with both directions', () => {
    const [flow] = seen.flows;
    expect(seen.flows.length).toBe(1);
    expect(flow).toMatchObject({ state: 'CLOSE_WAIT', assured: true });
    expect(`${flow?.original.src}:${flow?.original.sport}`).toBe(seen.local);
    expect(`${flow?.reply.src}:${flow?.reply.sport}`).toBe(SERVER);
    expect(flow?.expiresIn).toBeGreaterThan(0);
  });

  it('events: the flow began, and its sockets ended', () => {
    expect(seen.readable).toBe(3);
    expect(seen.changes.filter(({ event }) => event === 'NEW')).toMatchObject([
      { state: 'SYN_SENT', id: seen.flows[0]?.id, time: seen.readAt },
    ]);
    expect(seen.ends.map(({ local }) => local)).toContain(seen.local);
  });

  it('packets: every one twice, for it leaves and arrives, with the kernel’s time', () => {
    const packets = seen.packets.flatMap(({ packet }) => (packet ? [packet] : []));
    const flags = packets.filter(({ outgoing }) => outgoing).map((packet) => packet.flags);
    expect(flags.slice(0, 3)).toEqual(['S', 'SA', 'A']);
    expect(packets.filter(({ outgoing }) => !outgoing).length).toBe(flags.length);
    for (const { seconds } of seen.packets) expect(Math.abs(seconds - seen.readAt)).toBeLessThan(10);
    expect(seen.dropped).toBe(0);
  });

  it('a ring that is full drops packets, and says how many', () => {
    expect(seen.keptOfTwo).toBe(2);
    expect(seen.droppedOfTwo).toBe(seen.packets.length - 2);
  });

  it('the kernel’s HZ, by the step of its coarse clock', () => expect([100, 250, 300, 1000]).toContain(seen.hz));
});
