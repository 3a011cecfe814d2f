import { describe, expect, it } from 'vitest';
import { matchSockets } from '../../src/evidence/match.ts';
import type { ActEvidence, FlowChange, SampledSocket, SocketSample } from '../../src/evidence/read.ts';

const CLIENT = '10.0.0.2:4000';
const SERVICE = '10.0.0.1:6379';
const BROKERS = { 'mq-1': '10.1.0.2:6379', 'mq-2': '10.2.0.2:6379' };

const socket = (local: string, peer: string, state = 'ESTABLISHED') => ({ state, local, peer }) as SampledSocket;
const look = (host: string, ...sockets: SampledSocket[]) =>
  ({ kind: 'sample', host, time: 100, sockets }) as SocketSample;

const tuple = (src: string, dst: string) => {
  const [[a, b], [c, d]] = [src.split(':'), dst.split(':')] as [[string, string], [string, string]];
  return { src: a, sport: Number(b), dst: c, dport: Number(d) };
};
const translation = (time: number, broker: keyof typeof BROKERS) =>
  ({ event: 'NEW', time, original: tuple(CLIENT, SERVICE), reply: tuple(BROKERS[broker], CLIENT) }) as FlowChange;

const evidence = (...flowEvents: FlowChange[]) =>
  ({
    plan: {
      hosts: [
        { role: 'broker', name: 'mq-1' },
        { role: 'broker', name: 'mq-2' },
      ],
    },
    record: { addresses: { 'mq-1': '10.1.0.2', 'mq-2': '10.2.0.2', pool: '10.0.0.2' } },
    flowEvents,
    flowTables: [],
  }) as unknown as ActEvidence;

const zombiesOf = (found: ReturnType<typeof matchSockets>) =>
  found.zombies.map(({ host, socket: { local } }) => `${host} ${local}`);

describe('zombies are found by matching sockets through the translation', () => {
  it('a connection with both ends has none', () => {
    const found = matchSockets(evidence(translation(1, 'mq-1')), [
      look('pool', socket(CLIENT, SERVICE)),
      look('mq-1', socket(BROKERS['mq-1'], CLIENT)),
    ]);
    expect(found).toEqual({ zombies: [], unknown: [] });
  });

  it('a server’s socket whose client has gone is one', () => {
    const found = matchSockets(evidence(translation(1, 'mq-1')), [
      look('pool'),
      look('mq-1', socket(BROKERS['mq-1'], CLIENT)),
    ]);
    expect(zombiesOf(found)).toEqual([`mq-1 ${BROKERS['mq-1']}`]);
  });

  it('a client’s socket whose server has gone is one', () => {
    const found = matchSockets(evidence(translation(1, 'mq-1')), [look('pool', socket(CLIENT, SERVICE)), look('mq-1')]);
    expect(zombiesOf(found)).toEqual([`pool ${CLIENT}`]);
  });

  it('a port used again does not hide one: the client is led to the other broker now', () => {
    const samples = [
      look('pool', socket(CLIENT, SERVICE)),
      look('mq-1', socket(BROKERS['mq-1'], CLIENT)),
      look('mq-2', socket(BROKERS['mq-2'], CLIENT)),
    ];
    expect(zombiesOf(matchSockets(evidence(translation(1, 'mq-1'), translation(50, 'mq-2')), samples))).toEqual([
      `mq-1 ${BROKERS['mq-1']}`,
    ]);
  });

  it('translations after the look do not count', () => {
    const samples = [look('pool', socket(CLIENT, SERVICE)), look('mq-1', socket(BROKERS['mq-1'], CLIENT))];
    expect(zombiesOf(matchSockets(evidence(translation(1, 'mq-1'), translation(101, 'mq-2')), samples))).toEqual([]);
  });

  it.each(['TIME-WAIT', 'SYN-SENT'])('a counterpart in %s is none', (state) => {
    const samples = [look('pool', socket(CLIENT, SERVICE, state)), look('mq-1', socket(BROKERS['mq-1'], CLIENT))];
    expect(zombiesOf(matchSockets(evidence(translation(1, 'mq-1')), samples))).toEqual([`mq-1 ${BROKERS['mq-1']}`]);
  });

  it('a counterpart that still tries to say goodbye exists', () => {
    const samples = [
      look('pool', socket(CLIENT, SERVICE, 'FIN-WAIT-1')),
      look('mq-1', socket(BROKERS['mq-1'], CLIENT)),
    ];
    expect(zombiesOf(matchSockets(evidence(translation(1, 'mq-1')), samples))).toEqual([]);
  });

  it('without translation the two ends name each other', () => {
    const samples = [look('pool', socket(CLIENT, BROKERS['mq-1'])), look('mq-1', socket(BROKERS['mq-1'], CLIENT))];
    expect(zombiesOf(matchSockets(evidence(), samples))).toEqual([]);
    expect(zombiesOf(matchSockets(evidence(), samples.slice(0, 1)))).toEqual([`pool ${CLIENT}`]);
  });

  it('behind a translator that told nothing of a socket, nothing is claimed', () => {
    const other = '10.0.0.9:1';
    const found = matchSockets(evidence(translation(1, 'mq-1')), [look('pool', socket(other, SERVICE)), look('mq-1')]);
    expect([found.zombies, found.unknown.map(({ socket: { local } }) => local)]).toEqual([[], [other]]);
  });
});
