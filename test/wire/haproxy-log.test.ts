import { describe, expect, it } from 'vitest';
import { parseProxyLog, parseProxySessions } from '../../src/wire/haproxy-log.ts';

describe('what HAProxy says', () => {
  it('reads a log line with its termination state and both legs', () => {
    const line =
      '198.18.10.2:43860 [21/Nov/2026:05:35:25.700] mq_in mq/mq-1 1/0/3012 5206 cD 1/1/0/0/0 0/0 198.18.101.1:54690';
    expect(parseProxyLog(line)).toEqual({
      client: '198.18.10.2:43860',
      server: 'mq-1',
      totalSeconds: 3.012,
      bytesToClient: 5206,
      termination: 'cD',
      proxy: '198.18.101.1:54690',
    });
  });
  it('reads ends of IPv6, which it writes without brackets, as everybody else names them', () => {
    const line =
      '2001:db8::2:43860 [21/Nov/2026:05:35:25.700] mq_in mq/mq-1 1/0/3012 5206 cD 1/1/0/0/0 0/0 2001:db8:1::1:54690';
    expect(parseProxyLog(line)).toMatchObject({ client: '[2001:db8::2]:43860', proxy: '[2001:db8:1::1]:54690' });
    expect(parseProxyLog(line.replace('2001:db8::2', '::ffff:198.18.10.2'))?.client).toBe('198.18.10.2:43860');
    const sessions = `0x560df3fa5730: [21/Nov/2026:05:17:16.159459] id=0 proto=tcpv6 source=2001:db8::2:45912
  backend=mq (id=3 mode=tcp) addr=2001:db8:1::1:54578
  server=mq-1 (id=1) addr=2001:db8:1::2:16380
  task=0x560df4099150 (state=0x00 nice=0 calls=2 rate=1 exp=2s tmask=0x1 age=1s)
`;
    expect(parseProxySessions(sessions)).toEqual([
      { client: '[2001:db8::2]:45912', server: 'mq-1', proxy: '[2001:db8:1::1]:54578', expiresIn: 2 },
    ]);
  });
  it('leaves out its other lines', () =>
    expect(parseProxyLog('[NOTICE]   (44) : New worker (46) forked')).toBeUndefined());
  it('reads live sessions with the time that is left, and leaves the control connection out', () => {
    const text = `0x560df3fa5730: [21/Nov/2026:05:17:16.159459] id=0 proto=tcpv4 source=127.0.0.1:45912
  flags=0x4a, conn_retries=0
  backend=mq (id=3 mode=tcp) addr=127.0.0.1:54578
  server=mq-1 (id=1) addr=127.0.0.1:16380
  task=0x560df4099150 (state=0x00 nice=0 calls=2 rate=1 exp=2s tmask=0x1 age=1s)
0x560df4099990: [21/Nov/2026:05:17:17.469345] id=1 proto=unix_stream source=unix:1
  backend=<NONE> (id=-1 mode=-)
  task=0x560df4099d80 (state=0x00 nice=-64 calls=1 rate=0 exp=<NEVER> tmask=0x1 age=0s)
`;
    expect(parseProxySessions(text)).toEqual([
      { client: '127.0.0.1:45912', server: 'mq-1', proxy: '127.0.0.1:54578', expiresIn: 2 },
    ]);
  });
});
