import { describe, expect, it } from 'vitest';
import { type Flow, reasonOf } from '../../src/wire/flows.ts';

const end = { src: '198.18.10.2', sport: 40070, dst: '198.18.0.1', dport: 6379 };
const flow = (state: string | undefined, deletedBy?: string): Flow => ({
  id: 1,
  state,
  expiresIn: undefined,
  original: end,
  reply: end,
  assured: true,
  deletedBy,
});

describe('why a flow ended', () => {
  it.each([
    ['ESTABLISHED', undefined, 'idle-timeout'],
    ['CLOSE', undefined, 'closed'],
    ['TIME_WAIT', undefined, 'closed'],
    ['SYN_SENT', undefined, 'never-established'],
    ['ESTABLISHED', '4711', 'deleted'],
    [undefined, undefined, 'unknown'],
  ])('in state %s, deleted by %s: %s', (state, deletedBy, reason) =>
    expect(reasonOf(flow(state, deletedBy))).toBe(reason),
  );
});
