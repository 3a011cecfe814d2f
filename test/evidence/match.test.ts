import { describe, expect, it } from 'vitest';
import { matchSockets } from '../../src/evidence/match.ts';
import type { ActEvidence, FlowChange, SampledSocket, SocketSample } from '../../src/evidence/read.ts';
import { type Endpoint, endText, parseEndpoint } from '../../src/wire/endpoint.ts';

const IPV4 = { box: '10.0.0.1', pool: '10.0.0.2', other: '10.0.0.9', 'mq-1': '10.1.0.2', 'mq-2': '10.2.0.2' };
const IPV6 = {
  box: '2001:db8::1',
  pool: '2001:db8::2',
  other: '2001:db8::9',
  'mq-1': '2001:db8:1::2',
  'mq-2': '2001:db8:2::2',
};

const socket = (local: string, peer: string, state = 'ESTABLISHED') => ({ state, local, peer }) as SampledSocket;
const look = (host: string, ...sockets: SampledSocket[]) =>
  ({ kind: 'sample', host, time: 100, sockets }) as SocketSample;

const tuple = (source: string, destination: string) => {
  const [from, to] = [parseEndpoint(source), parseEndpoint(destination)] as [Endpoint, Endpoint];
  return { src: from.address, sport: from.port, dst: to.address, dport: to.port };
};
const zombiesOf = (found: ReturnType<typeof matchSockets>) =>
  found.zombies.map(({ host, socket: { local } }) => `${host} ${local}`);

describe.each([
  ['IPv4', IPV4],
  ['IPv6', IPV6],
])('zombies are found by matching %s sockets through the translation', (_, addresses) => {
  // As the kernel's socket table has them.
  const CLIENT = endText(addresses.pool, 4000);
  const SERVICE = endText(addresses.box, 6379);
  const SERVERS = { 'mq-1': endText(addresses['mq-1'], 6379), 'mq-2': endText(addresses['mq-2'], 6379) };
  const translation = (time: number, server: keyof typeof SERVERS) =>
    ({ event: 'NEW', time, original: tuple(CLIENT, SERVICE), reply: tuple(SERVERS[server], CLIENT) }) as FlowChange;

  const evidence = (boxes: string[], ...flowEvents: FlowChange[]) =>
    ({
      plan: { paths: [{ client: 'pool', boxes, servers: ['mq-1', 'mq-2'] }] },
      record: {
        addresses: Object.fromEntries(Object.entries(addresses).map(([host, address]) => [host, [address]])),
      },
      flowEvents: flowEvents.map((event) => ({ ...event, host: 'box', kind: 'event' })),
      flowTables: [],
      proxySessions: [],
      proxyLog: [],
      forgotten: [],
      samples: [],
      packets: [],
    }) as unknown as ActEvidence;
  const behindBox = (...flowEvents: FlowChange[]) => evidence(['box'], ...flowEvents);

  it('a connection with both ends has none', () => {
    const found = matchSockets(behindBox(translation(1, 'mq-1')), [
      look('pool', socket(CLIENT, SERVICE)),
      look('mq-1', socket(SERVERS['mq-1'], CLIENT)),
    ]);
    expect(found).toEqual({ zombies: [], unknown: [] });
  });

  it('a server’s socket whose client has gone is one', () => {
    const found = matchSockets(behindBox(translation(1, 'mq-1')), [
      look('pool'),
      look('mq-1', socket(SERVERS['mq-1'], CLIENT)),
    ]);
    expect(zombiesOf(found)).toEqual([`mq-1 ${SERVERS['mq-1']}`]);
  });

  it('a client’s socket whose server has gone is one', () => {
    const found = matchSockets(behindBox(translation(1, 'mq-1')), [
      look('pool', socket(CLIENT, SERVICE)),
      look('mq-1'),
    ]);
    expect(zombiesOf(found)).toEqual([`pool ${CLIENT}`]);
  });

  it('a port used again does not hide one: the client is led to the other server now', () => {
    const samples = [
      look('pool', socket(CLIENT, SERVICE)),
      look('mq-1', socket(SERVERS['mq-1'], CLIENT)),
      look('mq-2', socket(SERVERS['mq-2'], CLIENT)),
    ];
    expect(zombiesOf(matchSockets(behindBox(translation(1, 'mq-1'), translation(50, 'mq-2')), samples))).toEqual([
      `mq-1 ${SERVERS['mq-1']}`,
    ]);
  });

  it('translations after the look do not count', () => {
    const samples = [look('pool', socket(CLIENT, SERVICE)), look('mq-1', socket(SERVERS['mq-1'], CLIENT))];
    expect(zombiesOf(matchSockets(behindBox(translation(1, 'mq-1'), translation(101, 'mq-2')), samples))).toEqual([]);
  });

  it.each(['TIME-WAIT', 'SYN-SENT'])('a counterpart in %s is none', (state) => {
    const samples = [look('pool', socket(CLIENT, SERVICE, state)), look('mq-1', socket(SERVERS['mq-1'], CLIENT))];
    expect(zombiesOf(matchSockets(behindBox(translation(1, 'mq-1')), samples))).toEqual([`mq-1 ${SERVERS['mq-1']}`]);
  });

  it('a counterpart that still tries to say goodbye exists', () => {
    const samples = [
      look('pool', socket(CLIENT, SERVICE, 'FIN-WAIT-1')),
      look('mq-1', socket(SERVERS['mq-1'], CLIENT)),
    ];
    expect(zombiesOf(matchSockets(behindBox(translation(1, 'mq-1')), samples))).toEqual([]);
  });

  it('without translation the two ends name each other', () => {
    const samples = [look('pool', socket(CLIENT, SERVERS['mq-1'])), look('mq-1', socket(SERVERS['mq-1'], CLIENT))];
    expect(zombiesOf(matchSockets(evidence([]), samples))).toEqual([]);
    const [pool] = samples as [SocketSample, SocketSample];
    expect(zombiesOf(matchSockets(evidence([]), [pool, look('mq-1')]))).toEqual([`pool ${CLIENT}`]);
  });

  it.each([
    ['whose other host was not looked at', [], []],
    ['behind a box that told nothing at all', ['box'], [look('mq-1')]],
  ])('of a socket %s, nothing is claimed', (_name, boxes, others) => {
    const found = matchSockets(evidence(boxes), [look('pool', socket(CLIENT, SERVERS['mq-1'])), ...others]);
    expect([found.zombies, found.unknown.map(({ socket: { local } }) => local)]).toEqual([[], [CLIENT]]);
  });

  it('behind a translator that told nothing of a socket, nothing is claimed', () => {
    const other = endText(addresses.other, 1);
    const found = matchSockets(behindBox(translation(1, 'mq-1')), [look('pool', socket(other, SERVICE)), look('mq-1')]);
    expect([found.zombies, found.unknown.map(({ socket: { local } }) => local)]).toEqual([[], [other]]);
  });
});
