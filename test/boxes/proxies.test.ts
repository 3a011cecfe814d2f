import { describe, expect, it } from 'vitest';
import haproxy, { renderConfig } from '../../src/stage/boxes/haproxy.ts';
import nginx, { renderProxy } from '../../src/stage/boxes/nginx.ts';

const next = [
  { name: 'mq-1', address: '2001:2:0:65::2', port: 7000 },
  { name: 'mq-2', address: '2001:2:0:66::2', port: 7000 },
];
const at = { address: '2001:2::1', port: 7000, next };
const sides = { clientSeconds: 610, serverSeconds: 600 };

describe('haproxy', () => {
  const params = { mode: 'tcp' as const };

  it('has a timer towards its clients and one towards its servers', () => {
    const config = renderConfig({ ...at, timers: { idleSeconds: 600, sides }, params, control: '/run/control' });
    expect(config).toContain('timeout client 610000ms');
    expect(config).toContain('timeout server 600000ms');
    expect(config).not.toContain('tunnel');
  });
  it('waits for the next request of a client as long as for any byte of it', () => {
    const config = renderConfig({
      ...at,
      timers: { idleSeconds: 30 },
      params: { mode: 'http', tunnel: 3600, clientFin: 1 },
      control: '/run/control',
    });
    expect(config).toMatch(/mode http.*timeout tunnel 3600000ms.*client-fin 1000ms.*http-keep-alive 30000ms/s);
  });
  it('writes addresses of IPv6 in brackets', () => {
    const config = renderConfig({ ...at, timers: { idleSeconds: 30 }, params, control: '/run/control' });
    expect(config).toContain('bind [2001:2::1]:7000');
    expect(config).toContain('server mq-1 [2001:2:0:65::2]:7000');
  });
});

describe('nginx', () => {
  const where = { ...at, folder: '/run/idlelab/act', name: 'proxy' };

  it('as a stream proxy has one timer', () => {
    const config = renderProxy({ ...where, timers: { idleSeconds: 1.5 }, params: { mode: 'stream' } });
    expect(config).toContain('proxy_timeout 1500ms;');
    expect(config).toContain('listen [2001:2::1]:7000;');
  });
  it('for HTTP keeps connections of clients and of its own, each for its time, and none for ever', () => {
    const timers = { idleSeconds: 600, sides, lifeSeconds: 3600 };
    const config = renderProxy({ ...where, timers, params: { mode: 'http' } });
    expect(config).toMatch(/upstream mq \{[^}]*keepalive_timeout 600000ms;/);
    expect(config).toMatch(/listen[^}]*keepalive_timeout 610000ms;[^}]*keepalive_time 3600000ms;/);
  });
});

it.each([
  ['a timer of nginx for each side', nginx, { nginx: {} }, { idleSeconds: 1, sides }, /one timer, proxy_timeout/],
  ['a longest life of nginx as a stream proxy', nginx, { nginx: {} }, { idleSeconds: 1, lifeSeconds: 9 }, /no limit/],
  ['a longest life of haproxy', haproxy, { haproxy: {} }, { idleSeconds: 1, lifeSeconds: 9 }, /no limit/],
])('%s is refused when it is planned', (_, box, playedBy, timers, message) => {
  const refusal = box.refuses?.({ box: { playedBy, timers } as never, behind: ['mq'], hosts: [], ip: 'v4' });
  expect(refusal?.what).toMatch(message);
  expect(refusal?.todo).not.toBe('');
});
