import type { MiddleboxPlan } from '../../../src/scenario/plan.ts';
import { LATE, type Mode } from '../modes.ts';
import { type Player, type PlayerContext, setSysctls } from '../player.ts';
import { renderRules } from '../rules.ts';

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
