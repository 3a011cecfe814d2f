import type { Outcome } from '../../src/judge/result.ts';

/** What must come out of an act, on every engine: by n, the number of connections. */
export interface Expected {
  /** Undefined, like the zombies, where chance decides. */
  after: ((n: number) => Partial<Outcome['requestsAfterQuiet']>) | undefined;
  serverZombies: ((n: number) => number) | undefined;
}

const all =
  (word: keyof Outcome['requestsAfterQuiet']): NonNullable<Expected['after']> =>
  (n) => ({ [word]: n });
const nothing: Expected['after'] = () => ({});
const none = () => 0;
const every = (n: number) => n;

/** They need a kernel whose HZ can be chosen, or one with IPVS. */
export const VIRTUAL_ONLY: readonly string[] = ['ipvs', 'keepalive-too-late'];

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
    command: { after: all('timeout'), serverZombies: every },
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
  ipvs: {
    strict: { after: all('reset'), serverZombies: every },
    sloppy: { after: all('reset'), serverZombies: every },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'two-hours': {
    forgotten: { after: nothing, serverZombies: every },
    dead: { after: nothing, serverZombies: none },
    fixed: { after: nothing, serverZombies: none },
  },
  chain: {
    broken: { after: all('reset'), serverZombies: none },
    wrong: { after: all('ok'), serverZombies: none },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'two-paths': {
    // Two of the producer, three of the worker.
    broken: { after: () => ({ ok: 5 }), serverZombies: () => 3 },
    fixed: { after: () => ({ ok: 5 }), serverZombies: none },
  },
  'between-firewalls': {
    broken: { after: nothing, serverZombies: every },
    fixed: { after: nothing, serverZombies: none },
  },
  'deaf-reader': {
    broken: { after: nothing, serverZombies: none },
    fixed: { after: nothing, serverZombies: none },
  },
  'no-nat': {
    // Nobody has given up yet when the act ends.
    broken: { after: all('other'), serverZombies: none },
    fixed: { after: all('ok'), serverZombies: none },
  },
  'keepalive-too-late': {
    'late-250': { after: undefined, serverZombies: undefined },
    'safe-250': { after: all('ok'), serverZombies: none },
    'limit-250': { after: all('ok'), serverZombies: none },
    'late-1000': { after: undefined, serverZombies: undefined },
    'slow-1000': { after: undefined, serverZombies: undefined },
    'limit-1000': { after: all('ok'), serverZombies: none },
  },
};

/** The rows that an engine in real time can play. */
export const REAL_TIME: [string, Record<string, Expected>][] = Object.entries(CONFORMANCE).filter(
  ([scenario]) => !VIRTUAL_ONLY.includes(scenario),
);

/** Several boxes or clients, sockets of ours, IPv6: what they say depends on how many connections each has. */
const PATHS: readonly string[] = ['between-firewalls', 'chain', 'deaf-reader', 'no-nat', 'two-paths'];

/** The rows of one client and one box: the recorded runs, with two connections each. */
export const RECORDED = REAL_TIME.filter(([scenario]) => !PATHS.includes(scenario));

const NOTHING = { ok: 0, reset: 0, timeout: 0, closed: 0, other: 0 };

/** The part of an outcome that does not depend on how fast a machine is. */
export const outcomeExpected = ({ after, serverZombies }: Expected, connections: number) => ({
  ...(after ? { requestsAfterQuiet: { ...NOTHING, ...after(connections) } } : {}),
  ...(serverZombies ? { serverZombies: serverZombies(connections) } : {}),
});
export const outcomeSeen = ({ requestsAfterQuiet, zombies }: Outcome, { after, serverZombies }: Expected) => ({
  ...(after ? { requestsAfterQuiet } : {}),
  ...(serverZombies ? { serverZombies: zombies.server } : {}),
});
