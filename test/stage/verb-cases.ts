// Every verb, seen in packets: small scenarios as people write them. One table on every engine that can play it.
import { expect } from 'vitest';
import type { ActRecord } from '../../src/stage/record.ts';
import type { Header } from '../../src/wire/packet.ts';

export type Seen = Header & { time: number };
export interface Event {
  act: string;
  host: string;
  time: number;
  event: string;
  id?: string;
  ids?: string[];
  failure?: string;
}

/** What there is of a played act. */
export interface Played {
  record: ActRecord;
  /** What a host has sent and received, in order. */
  sent(host: string): Seen[];
  got(host: string): Seen[];
  events(host: string, event: string): Event[];
  /** Requests that a server has in its ledger. */
  ledger(host: string): string[];
  /** When a step began, by its place from 0. */
  began(step: number): number;
}

const has = (flags: string) => (packet: Seen) => [...flags].every((flag) => packet.flags.includes(flag));
const fin = has('F');
const rst = has('R');
const syn = has('S');
const data = ({ length }: Seen) => length > 0;
const after = (time: number) => (packet: { time: number }) => packet.time >= time;

const WEB = 'web: { client: tcp }';
const NLB = 'nlb: { middlebox: aws-nlb, idleTimeout: 60s }';
const MQ = 'mq: { server: tcp }';
export const USUAL = [WEB, NLB, MQ];

export interface Case {
  name: string;
  it: string;
  /** A part of the kernel that not every machine's has. */
  needs?: 'netem';
  hosts?: string[];
  paths?: string;
  timeline: string[];
  see(played: Played): void;
}

export const CASES: Case[] = [
  {
    name: 'connect',
    it: 'connect sends nothing but the handshake',
    timeline: ['web: connect', 'observe: 200ms'],
    see: ({ sent, got }) => {
      expect(sent('web').map(({ flags }) => flags)).toEqual(['S', 'A']);
      expect(got('web').filter(data)).toEqual([]);
    },
  },
  {
    name: 'request',
    it: 'a request has as many bytes as asked for, is one packet, and is answered once',
    timeline: ['web: connect', 'web: { request: { bytes: 1kB } }'],
    see: ({ sent, got, ledger }) => {
      expect(sent('web').filter(data)).toHaveLength(1);
      expect(sent('web').find(data)?.length).toBe(1000);
      expect(got('web').filter(data)).toHaveLength(1);
      expect(ledger('mq')).toEqual(['request-web-1-0']);
    },
  },
  {
    name: 'at-once',
    it: 'connect-and-request asks as soon as it is connected',
    timeline: ['web: connect-and-request'],
    see: ({ ledger }) => expect(ledger('mq')).toEqual(['at-once-web-1-0']),
  },
  {
    name: 'push',
    it: 'push of a server is the first data on the connection, of a client it is never answered',
    timeline: ['web: connect', 'mq: { push: { bytes: 5, to: web } }', 'web: { push: { bytes: 7 } }', 'observe: 200ms'],
    see: ({ got, sent }) => {
      expect(
        got('web')
          .filter(data)
          .map(({ length }) => length),
      ).toEqual([5]);
      expect(
        sent('web')
          .filter(data)
          .map(({ length }) => length),
      ).toEqual([7]);
    },
  },
  {
    name: 'close',
    it: 'close sends FIN, and no RST; a raw server keeps its side until it is told',
    timeline: ['web: connect', 'web: request', 'web: close', 'observe: 200ms'],
    see: ({ sent }) => {
      expect(sent('web').filter(fin)).toHaveLength(1);
      expect([...sent('web'), ...sent('mq')].filter(rst)).toEqual([]);
      expect(sent('mq').filter(fin)).toEqual([]);
    },
  },
  {
    name: 'half-close',
    it: 'half-close sends FIN one way, and data comes the other way after it',
    timeline: [
      'web: connect',
      'web: request',
      'web: half-close',
      'mq: { push: { bytes: 5 } }',
      'mq: close',
      'observe: 200ms',
    ],
    see: ({ sent, got }) => {
      const ended = sent('web').find(fin)?.time ?? Number.NaN;
      expect(
        got('web')
          .filter(after(ended))
          .filter(data)
          .map(({ length }) => length),
      ).toEqual([5]);
      expect(got('web').filter(fin)).toHaveLength(1);
      expect([...sent('web'), ...sent('mq')].filter(rst)).toEqual([]);
    },
  },
  {
    name: 'abort',
    it: 'abort sends RST and no FIN, and the other side meets it',
    timeline: ['web: connect', 'web: request', 'mq: abort', 'observe: 200ms'],
    see: ({ sent, events }) => {
      expect(sent('mq').filter(rst)).toHaveLength(1);
      expect([...sent('web'), ...sent('mq')].filter(fin)).toEqual([]);
      expect(events('web', 'error').map(({ failure }) => failure)).toEqual(['reset']);
    },
  },
  {
    name: 'unread',
    it: 'stop-reading closes the receive window in the end, and read-on opens it',
    timeline: [
      'web: connect',
      'mq: stop-reading',
      'web: { push: { bytes: 16MiB } }',
      'observe: 1s',
      'mq: read-on',
      'observe: 500ms',
    ],
    see: ({ sent, began }) => {
      const windows = sent('mq').filter((packet) => !syn(packet));
      const shut = windows.find(({ window }) => window === 0);
      expect(shut?.time).toBeLessThan(began(4));
      expect(windows.filter(after(began(4))).some(({ window }) => window > 0)).toBe(true);
    },
  },
  {
    name: 'unread-end',
    it: 'close-unread sends RST in the place of FIN',
    timeline: [
      'web: connect',
      'mq: stop-reading',
      'web: { push: { bytes: 100 } }',
      'observe: 200ms',
      'mq: close-unread',
      'observe: 200ms',
    ],
    see: ({ sent }) => {
      expect(sent('mq').filter(rst)).toHaveLength(1);
      expect(sent('mq').filter(fin)).toEqual([]);
    },
  },
  {
    name: 'refuse',
    it: 'refuse answers SYN with RST while older connections go on, until listen',
    hosts: [WEB, 'late: { client: tcp }', NLB, MQ],
    timeline: [
      'web: connect',
      'mq: refuse',
      'late: connect',
      'web: request',
      'mq: listen',
      'late: connect',
      'late: request',
    ],
    see: ({ got, sent, events, ledger }) => {
      expect(got('late').filter(rst)).toHaveLength(1);
      expect(sent('late').filter(syn)).toHaveLength(2);
      expect(events('late', 'error').map(({ failure }) => failure)).toEqual(['refused']);
      expect(ledger('mq')).toEqual(['refuse-web-1-0', 'refuse-late-1-0']);
    },
  },
  {
    name: 'freeze',
    it: 'freeze hangs the program while its kernel acknowledges; thaw lets it answer',
    timeline: ['web: connect', 'mq: freeze', 'web: request', 'observe: 400ms', 'mq: thaw', 'observe: 400ms'],
    see: ({ sent, events, began }) => {
      const thawed = began(4);
      const then = sent('mq').filter((packet) => packet.time < thawed && packet.flags === 'A');
      expect(then.length).toBeGreaterThan(0);
      const [reply] = events('web', 'reply');
      expect(reply?.time).toBeGreaterThan(thawed);
    },
  },
  {
    name: 'frozen',
    it: 'the ledger of a server that stays frozen holds what it had applied before',
    hosts: ['web: { client: ioredis }', NLB, 'mq: { server: redis }'],
    timeline: ['web: connect', 'web: request', 'mq: freeze', 'web: request', 'observe: 200ms'],
    see: ({ ledger, sent, began }) => {
      expect(ledger('mq')).toEqual(['frozen-web-1-0']);
      expect(
        sent('mq')
          .filter(after(began(3)))
          .filter(data),
      ).toEqual([]);
    },
  },
  {
    name: 'crash',
    it: 'a crash sends nothing, and a reboot answers what comes for older connections with RST',
    timeline: [
      'web: connect',
      'web: request',
      'mq: crash',
      'observe: 300ms',
      'mq: reboot',
      'observe: 300ms',
      'web: { push: { bytes: 9 } }',
      'observe: 300ms',
      'web: connect',
      'web: request',
    ],
    see: ({ sent, got, began, ledger }) => {
      expect(
        got('web')
          .filter(after(began(2)))
          .filter((packet) => packet.time < began(6)),
      ).toEqual([]);
      expect(
        got('web')
          .filter(after(began(6)))
          .filter((packet) => packet.time < began(8))
          .map(({ flags }) => flags),
      ).toEqual(['R']);
      // What it had applied was in its memory.
      expect(ledger('mq')).toEqual(['crash-web-2-0']);
      expect(sent('mq').filter(fin)).toEqual([]);
    },
  },
  {
    name: 'reboot',
    it: 'a client that reboots asks again under new ids, and sends nothing for its older connections',
    timeline: [
      'web: connect',
      'web: request',
      'web: reboot',
      'web: connect',
      'web: request',
      'mq: { push: { bytes: 3 } }',
      'observe: 300ms',
    ],
    see: ({ sent, ledger }) => {
      expect(ledger('mq')).toEqual(['reboot-web-1-0', 'reboot-web-2-0']);
      expect(sent('web').filter(fin)).toEqual([]);
      // To the push on the connection that it knows nothing of.
      expect(sent('web').filter(rst)).toHaveLength(1);
    },
  },
  {
    name: 'restart-l4',
    it: 'a balancer that restarts says nothing, and resets what it has forgotten',
    timeline: [
      'web: connect',
      'web: request',
      'nlb: restart-box',
      'observe: 200ms',
      'web: { push: { bytes: 9 } }',
      'observe: 300ms',
      'web: connect',
      'web: request',
    ],
    see: ({ got, began, ledger }) => {
      expect(
        got('web')
          .filter(after(began(2)))
          .filter((packet) => packet.time < began(4)),
      ).toEqual([]);
      expect(
        got('web')
          .filter(after(began(4)))
          .filter(rst),
      ).toHaveLength(1);
      expect(ledger('mq')).toEqual(['restart-l4-web-1-0', 'restart-l4-web-2-0']);
    },
  },
  {
    name: 'restart-l7',
    it: 'a proxy that restarts closes its connections on both sides',
    hosts: [WEB, 'proxy: { middlebox: haproxy, idleTimeout: 60s }', MQ],
    timeline: ['web: connect', 'web: request', 'proxy: restart-box', 'observe: 300ms', 'web: connect', 'web: request'],
    see: ({ got, began, ledger }) => {
      for (const host of ['web', 'mq'])
        expect(
          got(host)
            .filter(after(began(2)))
            .some((packet) => fin(packet) || rst(packet)),
        ).toBe(true);
      expect(ledger('mq')).toEqual(['restart-l7-web-1-0', 'restart-l7-web-2-0']);
    },
  },
  {
    name: 'fail-over',
    it: 'a standby of a proxy says nothing, and resets what it knows nothing of',
    hosts: [WEB, 'proxy: { middlebox: haproxy, idleTimeout: 60s }', MQ],
    timeline: [
      'web: connect',
      'web: request',
      'proxy: fail-over',
      'observe: 300ms',
      'web: { push: { bytes: 9 } }',
      'observe: 300ms',
    ],
    see: ({ got, began }) => {
      for (const host of ['web', 'mq'])
        expect(
          got(host)
            .filter(after(began(2)))
            .filter((packet) => packet.time < began(4)),
        ).toEqual([]);
      expect(
        got('web')
          .filter(after(began(4)))
          .filter(rst),
      ).toHaveLength(1);
      expect(
        got('mq')
          .filter(after(began(2)))
          .filter(data),
      ).toEqual([]);
    },
  },
  {
    name: 'cut',
    it: 'cut lets nothing through, and mend lets the retransmission through',
    timeline: ['web: connect', 'web: cut', 'web: { push: { bytes: 9 } }', 'observe: 300ms', 'web: mend', 'observe: 2s'],
    see: ({ sent, got, began }) => {
      expect(sent('web').filter(data).length).toBeGreaterThan(1);
      const arrived = got('mq').filter(data);
      expect(arrived.length).toBeGreaterThan(0);
      expect(arrived[0]?.time).toBeGreaterThan(began(4));
    },
  },
  {
    name: 'delay',
    needs: 'netem',
    it: 'delay makes packets take so much longer in each direction',
    timeline: ['mq: { delay: { by: 100ms } }', 'web: connect', 'web: request'],
    see: ({ sent, got }) => {
      const asked = sent('web').find(data)?.time ?? Number.NaN;
      const answered = got('web').find(data)?.time ?? Number.NaN;
      expect(answered - asked).toBeGreaterThanOrEqual(0.2);
    },
  },
  {
    name: 'lose',
    it: 'lose takes away as many packets of a kind as asked for, and no others',
    timeline: ['web: { lose: { kind: fin, packets: 1 } }', 'web: connect', 'web: request', 'web: close', 'observe: 1s'],
    see: ({ sent, got, ledger }) => {
      expect(sent('web').filter(fin)).toHaveLength(2);
      expect(got('mq').filter(fin)).toHaveLength(1);
      expect(ledger('mq')).toEqual(['lose-web-1-0']);
    },
  },
  {
    name: 'lose-from',
    it: 'lose in one direction, until mend',
    timeline: [
      'web: connect',
      'web: { lose: { kind: data, from: nlb } }',
      'web: request',
      'observe: 400ms',
      'web: mend',
      'observe: 2s',
    ],
    see: ({ sent, got, events, began }) => {
      expect(got('mq').filter(data).length).toBeGreaterThan(0);
      expect(sent('mq').filter(data).length).toBeGreaterThan(1);
      expect(got('web').filter(data)[0]?.time).toBeGreaterThan(began(4));
      expect(events('web', 'reply')).toHaveLength(1);
    },
  },
  {
    name: 'duplicate',
    it: 'duplicate brings a packet twice, and the server applies it once',
    timeline: [
      'mq: { duplicate: { kind: data, from: nlb, packets: 1 } }',
      'web: connect',
      'web: request',
      'web: request',
    ],
    see: ({ got, ledger }) => {
      expect(got('mq').filter(data)).toHaveLength(3);
      expect(ledger('mq')).toEqual(['duplicate-web-1-0', 'duplicate-web-2-0']);
    },
  },
  {
    name: 'drop-fin',
    it: 'drop-fin lets no FIN through, nor what its sender sends after it',
    hosts: [WEB, 'fw: { middlebox: firewall, idleTimeout: 60s }', MQ],
    timeline: ['web: connect', 'web: request', 'fw: drop-fin', 'web: close', 'observe: 300ms'],
    see: ({ sent, got }) => {
      expect(sent('web').filter(fin).length).toBeGreaterThan(0);
      expect(got('mq').filter(fin)).toEqual([]);
    },
  },
  {
    name: 'ioredis',
    it: 'ioredis can abort its socket, and connects again',
    hosts: ['web: { client: ioredis }', NLB, 'mq: { server: redis }'],
    timeline: ['web: connect', 'web: { request: { bytes: 500 } }', 'web: abort', 'observe: 1s', 'web: request'],
    see: ({ sent, ledger }) => {
      expect(sent('web').filter(rst)).toHaveLength(1);
      expect(sent('web').filter(syn)).toHaveLength(2);
      expect(sent('web').filter(({ length }) => length === 500)).toHaveLength(1);
      expect(ledger('mq')).toEqual(['ioredis-web-1-0', 'ioredis-web-2-0']);
    },
  },
  {
    name: 'redis',
    it: 'redis can close the connections of its clients',
    hosts: ['web: { client: ioredis, connections: 2 }', NLB, 'mq: { server: redis }'],
    timeline: ['web: connect', 'mq: { close: { to: web } }', 'observe: 500ms'],
    see: ({ sent }) => expect(sent('mq').filter(fin)).toHaveLength(2),
  },
  {
    name: 'part',
    it: 'a part of a pool acts, one connection after another over a time',
    hosts: ['web: { client: tcp, connections: 8 }', NLB, MQ],
    timeline: [
      'web: connect',
      'web: { abort: { of: half, over: 400ms } }',
      'web: { push: { of: 6-7, bytes: 2 } }',
      'observe: 100ms',
    ],
    see: ({ sent, began }) => {
      const resets = sent('web').filter(rst);
      expect(resets).toHaveLength(4);
      // The last of four begins three quarters of the time later.
      expect((resets.at(-1)?.time ?? 0) - began(1)).toBeGreaterThanOrEqual(0.29);
      expect(sent('web').filter(data)).toHaveLength(2);
    },
  },
  {
    name: 'clients',
    it: 'clients act side by side and repeatedly, and a server speaks to one of them',
    hosts: ['web: { client: tcp, connections: 2 }', 'batch: { client: tcp }', 'nat: { middlebox: firewall }', NLB, MQ],
    paths: '[[web, nat, nlb, mq], [batch, nlb, mq]]',
    timeline: [
      'together: [web: connect, batch: connect]',
      'web: { request: { times: 3, every: 100ms } }',
      'mq: { push: { to: batch, bytes: 11 } }',
      'observe: 200ms',
    ],
    see: ({ got, sent, ledger, began }) => {
      expect(ledger('mq').toSorted()).toEqual(
        [1, 2, 3].flatMap((round) => [0, 1].map((connection) => `clients-web-${round}-${connection}`)),
      );
      // Two rounds later than the step began: how soon the first is sent is the machine's matter.
      expect((sent('web').findLast(data)?.time ?? 0) - began(1)).toBeGreaterThanOrEqual(0.199);
      expect(
        got('batch')
          .filter(data)
          .map(({ length }) => length),
      ).toEqual([11]);
      expect(got('web').filter(({ length }) => length === 11)).toEqual([]);
    },
  },
  {
    name: 'servers',
    it: 'all servers of a group act',
    hosts: [
      'web: { client: tcp, connections: 4 }',
      'lb: { middlebox: l4-rebalance, idleTimeout: 60s }',
      'mq: { server: tcp, count: 2 }',
    ],
    timeline: ['web: connect', 'mq: { push: { bytes: 3 } }', 'observe: 200ms'],
    see: ({ sent }) => {
      expect(sent('mq-1').filter(data).length + sent('mq-2').filter(data).length).toBe(4);
      for (const server of ['mq-1', 'mq-2']) expect(sent(server).filter(data).length).toBeGreaterThan(0);
    },
  },
  {
    name: 'tuning',
    it: 'sockets of both sides have the keepalive and the user timeout of their tuning, and nothing else',
    timeline: ['web: connect', 'web: request', 'observe: 300ms'],
    see: ({ sent }) => expect(sent('web').filter(fin)).toEqual([]),
  },
];
