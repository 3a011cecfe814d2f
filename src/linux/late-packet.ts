/** What a box does with late packets, in one word for both sides. */
export const MODES = ['rebalance', 'reset-sender', 'drop', 'reset-both'] as const;
export type Mode = (typeof MODES)[number];

/**
 * What a late packet meets, by who sends it. `passes`: it goes on as it came, without any translation, to an end that knows
 * no such connection.
 */
export interface LateBySide {
  client: 'rebalance' | 'reset-sender' | 'drop';
  server: 'passes' | 'reset-sender' | 'drop';
}

interface Verdicts {
  /** A packet to the box itself: its own TCP stack has no such socket and resets whoever sends to it. */
  toBox: string;
  /** A packet through it. */
  through: string;
}

/** By nftables. */
export const VERDICTS: Record<LateBySide['client' | 'server'], Verdicts> = {
  rebalance: { toBox: 'accept', through: 'accept' },
  passes: { toBox: 'accept', through: 'accept' },
  // To the box: its own stack has no such socket and resets the sender. Through it: it says the same in the peer's name.
  'reset-sender': { toBox: 'accept', through: 'reject with tcp reset' },
  drop: { toBox: 'drop', through: 'drop' },
};

const BY_SIDE: Record<Mode, LateBySide> = {
  rebalance: { client: 'rebalance', server: 'passes' },
  'reset-sender': { client: 'reset-sender', server: 'reset-sender' },
  drop: { client: 'drop', server: 'drop' },
  'reset-both': { client: 'reset-sender', server: 'reset-sender' },
};

export const bySide = (late: Mode | LateBySide): LateBySide => (typeof late === 'string' ? BY_SIDE[late] : late);

/**
 * `tcp_loose` decides whether the kernel takes a mid-stream packet for a new connection (1) or for an invalid one (0;
 * Documentation/networking/nf_conntrack-sysctl.rst); rules decide about the invalid ones. It is one for both sides.
 */
export const looseFor = (late: Mode | LateBySide): 0 | 1 => (bySide(late).client === 'rebalance' ? 1 : 0);

/** Rules of a chain for late packets. @param at which ports tell who sends */
export function lateRules(
  late: Mode | LateBySide,
  where: keyof Verdicts,
  at: { port: number; serverPorts: readonly number[] },
): string[] {
  const { client, server } = bySide(late);
  const rules = (match: string, word: LateBySide['client' | 'server']): string[] => {
    const verdict = VERDICTS[word][where];
    const invalid = `${match} ct state invalid counter ${verdict}`;
    // Where mid-stream packets are taken for new connections, those of this side must not be.
    const picked = `${match} ct state new tcp flags & syn == 0 counter ${verdict}`;
    return looseFor(late) === 1 && verdict !== 'accept' ? [invalid, picked] : [invalid];
  };
  return [
    rules(`tcp dport ${at.port}`, client),
    ...at.serverPorts.map((port) => rules(`tcp sport ${port}`, server)),
  ].flat();
}

/** The same for both sides, as modes: what rule sets with many ports are made of. */
export const LATE = Object.fromEntries(
  MODES.map((mode) => [mode, { loose: looseFor(mode), ...VERDICTS[bySide(mode).client] }]),
) as Record<Mode, { loose: 0 | 1 } & Verdicts>;
