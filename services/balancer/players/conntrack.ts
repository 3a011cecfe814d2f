import type { LabHost } from '../../../src/lab/lab.ts';
import type { MiddleboxPlan } from '../../../src/scenario/plan.ts';
import { type Player, type PlayerContext, setSysctls } from '../player.ts';

export type Mode = 'rebalance' | 'reset-sender' | 'drop' | 'reset-both';

/**
 * What the late packet meets. `tcp_loose` decides whether the kernel takes a mid-stream packet for a new connection (1)
 * or for an invalid one (0; Documentation/networking/nf_conntrack-sysctl.rst); the rules decide about the invalid ones.
 */
const LATE: Record<Mode, { loose: 0 | 1; toBox: string; through: string }> = {
  rebalance: { loose: 1, toBox: 'accept', through: 'accept' },
  // To the box: its own stack has no such socket and resets the sender. Through it: it says the same in the peer's name.
  'reset-sender': { loose: 0, toBox: 'accept', through: 'reject with tcp reset' },
  drop: { loose: 0, toBox: 'drop', through: 'drop' },
  'reset-both': { loose: 0, toBox: 'accept', through: 'reject with tcp reset' },
};

/**
 * How often a connection may be opened anew before the balancer forgets to which broker its first port led. The kernel walks
 * the whole table once a second, filled or not, so it is no larger than it must be.
 */
const PORTS_A_CONNECTION = 32;

/** Source translation, for networks through which only their own addresses pass. */
export const OWN_ADDRESS = `
  chain own_address {
    type nat hook postrouting priority srcnat
    meta l4proto tcp masquerade
  }
`;

/**
 * The rule set of the L4 balancer: DNAT of `address:port` over the brokers, an idle timeout of its own for the port.
 *
 * New connections (SYN) go round robin. A mid-stream packet that is balanced anew goes to the broker after the one that
 * this client port was last sent to, so "the wrong broker" is certain and not a coin's toss.
 */
export function renderRules(options: {
  address: string;
  port: number;
  brokers: readonly Pick<LabHost, 'name' | 'address'>[];
  connections: number;
  idleTimeoutSeconds: number;
  mode: Mode;
  /** Whether it shows its own address to the brokers instead of the client's. */
  ownAddress: boolean;
}): string {
  const { address, port, brokers, connections, idleTimeoutSeconds, mode, ownAddress } = options;
  const marks = brokers.map((_, index) => index + 1);
  const next = (mark: number) => brokers[mark % brokers.length]?.name;
  const { toBox, through } = LATE[mode];
  return `table inet balancer {
  ct timeout idle-${port} {
    protocol tcp
    l3proto ip
    policy = { established : ${Math.round(idleTimeoutSeconds)} }
  }

  map last_broker {
    type ipv4_addr . inet_service : mark
    size ${Math.min(65_535, Math.max(1024, connections * PORTS_A_CONNECTION))}
    flags dynamic
  }

  chain idle_timeout {
    type filter hook prerouting priority mangle
    tcp dport ${port} ct timeout set "idle-${port}"
    tcp sport ${port} ct timeout set "idle-${port}"
  }

  chain balance {
    type nat hook prerouting priority dstnat
    ip daddr ${address} tcp dport ${port} goto choose
  }

  chain choose {
    tcp flags & (syn | ack) == syn numgen inc mod ${brokers.length} vmap { ${marks.map((mark) => `${mark - 1} : goto to-${brokers[mark - 1]?.name}`).join(', ')} }
    meta mark set ip saddr . tcp sport map @last_broker
    meta mark vmap { ${marks.map((mark) => `${mark} : goto to-${next(mark)}`).join(', ')} }
    goto to-${brokers[0]?.name}
  }
${brokers
  .map(
    (broker, index) => `
  chain to-${broker.name} {
    update @last_broker { ip saddr . tcp sport : ${index + 1} }
    meta l4proto tcp dnat ip to ${broker.address}:${port}
  }
`,
  )
  .join('')}
${ownAddress ? OWN_ADDRESS : ''}
  chain late_to_box {
    type filter hook input priority filter
    ct state invalid meta l4proto tcp counter ${toBox}
  }

  chain late_through {
    type filter hook forward priority filter
    ct state invalid meta l4proto tcp counter ${through}
  }
}
`;
}

/** Settings of connection tracking itself: its idle timeout for flows that no rule catches, and what its events tell. */
export const conntrackSysctls = (idleTimeoutSeconds: number, loose: 0 | 1): Record<string, number> => ({
  'net.netfilter.nf_conntrack_tcp_timeout_established': Math.round(idleTimeoutSeconds),
  'net.netfilter.nf_conntrack_tcp_loose': loose,
  'net.netfilter.nf_conntrack_timestamp': 1,
  'net.netfilter.nf_conntrack_acct': 1,
});

const modeOf = (box: MiddleboxPlan): Mode => (box.playedBy as { conntrack: Mode }).conntrack;

const conntrack: Player = {
  sysctls: (box) => conntrackSysctls(box.idleTimeoutSeconds, LATE[modeOf(box)].loose),
  async play(context: PlayerContext) {
    const { box, host, brokers, connections, port } = context;
    const mode = modeOf(box);
    const address = host.serviceAddress ?? host.address;
    const file = await context.writeConfig(
      `${host.name}.nft`,
      renderRules({
        address,
        port,
        brokers,
        connections,
        idleTimeoutSeconds: box.idleTimeoutSeconds,
        mode,
        ownAddress: !host.passesForeignAddresses,
      }),
    );
    await host.run('nft', ['-f', file]);
    // After the rules: they make the kernel load connection tracking, and only then do its settings exist.
    await setSysctls(host, conntrackSysctls(box.idleTimeoutSeconds, LATE[mode].loose));
    if (mode === 'reset-both')
      await context
        .spawnModule(
          'services/balancer/reset-both',
          [String(port), String(box.idleTimeoutSeconds)],
          `the resetter on ${host.name}`,
        )
        .line(/^ready$/);
    return { target: { address, port } };
  },
};
export default conntrack;
