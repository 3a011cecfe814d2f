export type Mode = 'rebalance' | 'reset-sender' | 'drop' | 'reset-both';

/**
 * What the late packet meets. `tcp_loose` decides whether the kernel takes a mid-stream packet for a new connection (1)
 * or for an invalid one (0; Documentation/networking/nf_conntrack-sysctl.rst); the rules decide about the invalid ones.
 */
export const LATE: Record<Mode, { loose: 0 | 1; toBox: string; through: string }> = {
  rebalance: { loose: 1, toBox: 'accept', through: 'accept' },
  // To the box: its own stack has no such socket and resets the sender. Through it: it says the same in the peer's name.
  'reset-sender': { loose: 0, toBox: 'accept', through: 'reject with tcp reset' },
  drop: { loose: 0, toBox: 'drop', through: 'drop' },
  'reset-both': { loose: 0, toBox: 'accept', through: 'reject with tcp reset' },
};
