import { describe, expect, it } from 'vitest';
import { parseFlow, parseFlowEvent } from '../../src/evidence/conntrack.ts';

// Lines as conntrack 1.4.7 prints them.
const LISTED =
  'ipv4     2 tcp      6 2 ESTABLISHED src=198.18.10.2 dst=198.18.0.1 sport=40070 dport=6379 packets=9 bytes=720 src=198.18.101.2 dst=198.18.10.2 sport=6379 dport=40070 packets=7 bytes=5600 [ASSURED] mark=0 use=1 id=7256294';
const BORN =
  '[1795237622.678997]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=198.18.10.2 dst=198.18.0.1 sport=40070 dport=6379 [UNREPLIED] src=198.18.101.2 dst=198.18.10.2 sport=6379 dport=40070 id=7256294';
const gone = (state: string, more = '') =>
  `[1795237626.178964]\t[DESTROY] ipv4     2 tcp      6 ${state}src=198.18.10.2 dst=198.18.0.1 sport=40070 dport=6379 src=198.18.101.2 dst=198.18.10.2 sport=6379 dport=40070 [ASSURED] ${more}id=7256294`;

describe('connection tracking, as conntrack prints it', () => {
  it('reads a listed flow with its translation and its timer', () => {
    expect(parseFlow(LISTED)).toEqual({
      id: 7256294,
      state: 'ESTABLISHED',
      expiresIn: 2,
      original: { src: '198.18.10.2', sport: 40070, dst: '198.18.0.1', dport: 6379 },
      reply: { src: '198.18.101.2', sport: 6379, dst: '198.18.10.2', dport: 40070 },
      assured: true,
      deletedBy: undefined,
    });
  });
  it('reads the birth of a flow with its time', () =>
    expect(parseFlowEvent(BORN)).toMatchObject({
      time: 1795237622.678997,
      event: 'NEW',
      state: 'SYN_SENT',
      reason: undefined,
    }));
  it.each([
    ['ESTABLISHED ', '', 'idle-timeout'],
    ['CLOSE ', '', 'closed'],
    ['TIME_WAIT ', '', 'closed'],
    ['SYN_SENT ', '', 'never-established'],
    ['ESTABLISHED ', 'portid=4711 ', 'deleted'],
    ['', '', 'unknown'],
  ])('the end of a flow in state %j %s means %s', (state, more, reason) =>
    expect(parseFlowEvent(gone(state, more))?.reason).toBe(reason),
  );
  it.each([
    '',
    'conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.',
    'udp 17 29 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2',
  ])('leaves out %j', (line) => expect(parseFlow(line)).toBeUndefined());
});
