import { describe, expect, it } from 'vitest';
import { parseSocket } from '../../src/evidence/sockets.ts';

describe('sockets, as ss prints them', () => {
  it('reads state, ends, queues, timer and identity', () => {
    const line =
      'ESTAB 0      53     198.18.10.2:40070 198.18.0.1:6379 timer:(on,1.2sec,3) ino:4889 sk:e <-> ts sack cubic wscale:10,10 rto:1664 rtt:0.1/0.05 mss:1448';
    expect(parseSocket(line)).toEqual({
      state: 'ESTABLISHED',
      local: '198.18.10.2:40070',
      peer: '198.18.0.1:6379',
      receiveQueue: 0,
      sendQueue: 53,
      timer: { kind: 'retransmission', seconds: 1.2, retries: 3 },
      inode: 4889,
      cookie: 'e',
      rto: 1664,
    });
  });
  it.each([
    ['timer:(keepalive,9.8sec,0)', 'keepalive', 9.8],
    ['timer:(keepalive,4min58sec,0)', 'keepalive', 298],
    ['timer:(keepalive,119min,0)', 'keepalive', 7140],
    ['timer:(on,200ms,0)', 'retransmission', 0.2],
    ['timer:(timewait,59sec,0)', 'time-wait', 59],
    ['timer:(persist,1.5sec,2)', 'zero-window', 1.5],
  ])('reads %s', (timer, kind, seconds) =>
    expect(parseSocket(`ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 ${timer} ino:1 sk:1`)?.timer).toMatchObject({ kind, seconds }),
  );
  it('says so when no timer is armed', () =>
    expect(parseSocket('ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 ino:1 sk:1')?.timer).toBeUndefined());
  it('leaves out what is no socket', () => expect(parseSocket('Failed to open cgroup2 by ID')).toBeUndefined());
});
