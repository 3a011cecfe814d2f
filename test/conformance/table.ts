import type { Outcome } from '../../src/judge/result.ts';

/** What must come out of an act, on every engine: by n, the number of connections. */
export interface Expected {
  after: (n: number) => Partial<Outcome['requestsAfterQuiet']>;
  serverZombies: (n: number) => number;
}

const all =
  (word: keyof Outcome['requestsAfterQuiet']): Expected['after'] =>
  (n) => ({ [word]: n });
const nothing: Expected['after'] = () => ({});
const none = () => 0;
const every = (n: number) => n;

/** Scenario × act × outcome. */
export const CONFORMANCE: Record<string, Record<string, Expected>> = {
  rebalance: {
    broken: { after: all('reset'), serverZombies: every },
    fixed: { after: all('ok'), serverZombies: none },
  },
  reset: {
    broken: { after: all('reset'), serverZombies: every },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'reset-both': {
    broken: { after: all('ok'), serverZombies: none },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'black-hole': {
    broken: { after: all('timeout'), serverZombies: every },
    command: { after: all('timeout'), serverZombies: none },
    socket: { after: all('timeout'), serverZombies: every },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'proxy-close': {
    broken: { after: all('ok'), serverZombies: none },
    keepalive: { after: all('ok'), serverZombies: none },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'lost-fin': {
    broken: { after: nothing, serverZombies: every },
    crash: { after: nothing, serverZombies: every },
    fixed: { after: nothing, serverZombies: none },
  },
};

const NOTHING = { ok: 0, reset: 0, timeout: 0, closed: 0, other: 0 };

/** The part of an outcome that does not depend on how fast a machine is. */
export const outcomeExpected = ({ after, serverZombies }: Expected, connections: number) => ({
  requestsAfterQuiet: { ...NOTHING, ...after(connections) },
  serverZombies: serverZombies(connections),
});
export const outcomeSeen = ({ requestsAfterQuiet, zombies }: Outcome) => ({
  requestsAfterQuiet,
  serverZombies: zombies.server,
});
