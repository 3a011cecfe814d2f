import { describe, expect, it } from 'vitest';
import { FlowClocks } from '../../services/balancer/clocks.ts';
import { reversed, type Way } from '../../src/wire/endpoint.ts';

const toServer: Way = { src: '198.18.10.2', sport: 40_000, dst: '198.18.0.1', dport: 6379 };
const translated: Way = { ...toServer, dst: '198.18.101.2' };
const flow = { original: toServer, reply: reversed(translated) };

const packet = (side: 'client' | 'server', time: number, more: { bytes?: number; ends?: boolean } = {}) => ({
  way: side === 'client' ? flow.original : flow.reply,
  time,
  bytes: more.bytes ?? 0,
  ends: more.ends ?? false,
});

describe('a box with one timer for each direction', () => {
  const clocks = () => new FlowClocks({ refreshedBy: 'any-packet', sides: { clientSeconds: 10, serverSeconds: 4 } });

  it('forgets a flow when its server is silent for too long, whatever its client sends', () => {
    const box = clocks();
    box.begin(flow, 100);
    for (let time = 101; time < 104; time++) box.see(packet('client', time, { bytes: 1 }));
    expect(box.due()).toBe(104);
    expect(box.forget(103.9)).toEqual([]);
    expect(box.forget(104)).toEqual([{ ...flow, why: 'idle', side: 'server' }]);
    expect(box.due()).toBeUndefined();
  });
  it('forgets it when its client is silent for too long, whatever its server sends', () => {
    const box = clocks();
    box.begin(flow, 100);
    for (let time = 101; time <= 110; time++) box.see(packet('server', time));
    expect(box.forget(110)).toEqual([{ ...flow, why: 'idle', side: 'client' }]);
  });
  it('leaves a connection that says goodbye to the kernel', () => {
    const box = clocks();
    box.begin(flow, 100);
    box.see(packet('server', 101, { ends: true }));
    expect(box.due()).toBeUndefined();
  });
});

describe('a box whose timer only data restarts', () => {
  const clocks = () => new FlowClocks({ refreshedBy: 'data', idleSeconds: 5 });

  it('takes a probe and its answer for silence', () => {
    const box = clocks();
    box.begin(flow, 100);
    box.see(packet('client', 104));
    box.see(packet('server', 104));
    expect(box.forget(105)).toEqual([{ ...flow, why: 'idle' }]);
  });
  it('is restarted by one byte from either side', () => {
    const box = clocks();
    box.begin(flow, 100);
    box.see(packet('server', 104, { bytes: 1 }));
    box.see(packet('client', 108, { bytes: 1 }));
    expect(box.due()).toBe(113);
  });
});

describe('a box with a longest life', () => {
  it('ends a flow that is never idle', () => {
    const box = new FlowClocks({ refreshedBy: 'any-packet', lifeSeconds: 60 });
    box.begin(flow, 100);
    for (let time = 101; time < 160; time++) box.see(packet('client', time, { bytes: 100 }));
    expect(box.forget(160)).toEqual([{ ...flow, why: 'life' }]);
  });
  it('has nothing to end where the flow is gone', () => {
    const box = new FlowClocks({ refreshedBy: 'any-packet', lifeSeconds: 60 });
    box.begin(flow, 100);
    box.end(flow.original);
    expect(box.due()).toBeUndefined();
  });
});

it('ten thousand flows are forgotten each in its turn, in the order of their last packets', () => {
  const box = new FlowClocks({ refreshedBy: 'any-packet', idleSeconds: 300 });
  const flows = Array.from({ length: 10_000 }, (_, index) => {
    const original = { ...toServer, src: `198.18.10.${2 + (index % 200)}`, sport: 10_000 + index };
    return { original, reply: reversed(original) };
  });
  for (const each of flows) box.begin(each, 0);
  for (const [index, { original }] of flows.entries())
    box.see({ way: original, time: 10 + index / 1000, bytes: 1, ends: false });
  expect(box.forget(309.9)).toEqual([]);
  expect(box.forget(315)).toHaveLength(5001);
  expect(box.forget(320)).toHaveLength(4999);
});
