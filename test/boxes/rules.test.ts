import { describe, expect, it } from 'vitest';
import { renderRules } from '../../src/linux/balancer-rules.ts';
import { bySide, lateRules, looseFor } from '../../src/linux/late-packet.ts';
import router from '../../src/stage/boxes/router.ts';
import { lateAtRouter, routerRules } from '../../src/stage/rules/router-rules.ts';
import { kernelIdleSeconds } from '../../src/stage/rules/tracking.ts';

describe('late packets by side', () => {
  const at = { port: 6379, serverPorts: [6379] };

  it('one word means both sides', () => {
    expect(bySide('drop')).toEqual({ client: 'drop', server: 'drop' });
    expect(bySide('rebalance')).toEqual({ client: 'rebalance', server: 'passes' });
  });
  it('a client may be reset where a server is dropped', () => {
    expect(lateRules({ client: 'reset-sender', server: 'drop' }, 'through', at)).toEqual([
      'tcp dport 6379 ct state invalid counter reject with tcp reset',
      'tcp sport 6379 ct state invalid counter drop',
    ]);
  });
  it('a server’s packet is dropped although the kernel would pick it up, as it does a client’s', () => {
    const late = { client: 'rebalance', server: 'drop' } as const;
    expect(looseFor(late)).toBe(1);
    expect(lateRules(late, 'through', at)).toContain('tcp sport 6379 ct state new tcp flags & syn == 0 counter drop');
  });
});

it('a balancer of IPv6 speaks of nothing but IPv6', () => {
  const rules = renderRules({
    address: '2001:2::1',
    port: 6379,
    brokers: [{ name: 'mq', address: '2001:2:0:65::2' }],
    connections: 1,
    idleTimeoutSeconds: 5,
    mode: 'rebalance',
    ownAddress: false,
    ip: 'v6',
  });
  expect(rules).toContain('dnat ip6 to [2001:2:0:65::2]:6379');
  expect(rules).toContain('l3proto ip6');
  expect(rules).not.toMatch(/\bip (saddr|daddr)|ipv4_addr|dnat ip /);
});

describe('a box on the path', () => {
  it('is a stateful firewall unless told otherwise', () =>
    expect(routerRules('stateful')).toEqual({
      masquerades: false,
      loose: 0,
      invalid: { client: 'drop', server: 'drop' },
    }));
  it('hides its clients where it masquerades', () => {
    expect(router.hidesClients('stateful')).toBe(false);
    expect(router.hidesClients({ nat: 'masquerade' })).toBe(true);
  });
  it('answers in a sweep as it would on the path', () => {
    expect(lateAtRouter({ nat: 'masquerade', invalid: { client: 'reset-sender', server: 'drop' } })).toEqual({
      client: 'reset-sender',
      server: 'drop',
    });
  });
  it('that translates cannot stand before hosts of IPv6', () => {
    const box = { playedBy: { router: { nat: 'masquerade' } } } as never;
    expect(router.refuses?.({ box, behind: ['mq'], hosts: [], ip: 'v6' })?.what).toMatch(/translates addresses/);
    expect(router.refuses?.({ box, behind: ['mq'], hosts: [], ip: 'v4' })).toBeUndefined();
  });
});

describe('the kernel’s own timer', () => {
  const of = (more: object) => kernelIdleSeconds({ refreshedBy: 'any-packet', timers: { idleSeconds: 5, ...more } });

  it('is the box’s where the box has one that any packet restarts, and where its flows have a longest life', () => {
    expect(of({})).toBe(5);
    expect(of({ lifeSeconds: 60 })).toBe(5);
  });
  it('never runs out where the box has others', () => {
    expect(of({ sides: { clientSeconds: 5, serverSeconds: 9 } })).toBeGreaterThan(10 * 24 * 3600);
    expect(kernelIdleSeconds({ refreshedBy: 'data', timers: { idleSeconds: 5 } })).toBeGreaterThan(10 * 24 * 3600);
  });
});
