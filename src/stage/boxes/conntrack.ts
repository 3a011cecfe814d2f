import { z } from 'zod';
import { renderRules } from '../../linux/balancer-rules.ts';
import { LATE, type Mode } from '../../linux/late-packet.ts';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import { type Box, setSysctls } from '../box.ts';
import type { ManyContext, ManyPlayer } from '../many.ts';
import { modeOf as modeOfPort, renderManyRules } from '../rules/many-rules.ts';

/** Settings of connection tracking itself: its idle timeout for flows that no rule catches, and what its events tell. */
export const conntrackSysctls = (idleTimeoutSeconds: number, loose: 0 | 1): Record<string, number> => ({
  'net.netfilter.nf_conntrack_tcp_timeout_established': Math.round(idleTimeoutSeconds),
  'net.netfilter.nf_conntrack_tcp_loose': loose,
  'net.netfilter.nf_conntrack_timestamp': 1,
  'net.netfilter.nf_conntrack_acct': 1,
});

const modeOf = (box: Pick<MiddleboxPlan, 'playedBy'>): Mode => (box.playedBy as { conntrack: Mode }).conntrack;

/** `tcp_loose` is one for all ports of a host. Who resets both ends listens to all packets of his host. */
export const manyByConntrack: ManyPlayer = {
  group({ playedBy, middlebox }) {
    const mode = 'conntrack' in playedBy ? modeOf({ playedBy }) : 'drop';
    if (mode === 'reset-both') return `reset-both ${middlebox.timeoutSeconds}`;
    return `conntrack, tcp_loose=${LATE[mode].loose}`;
  },
  async play({ host, servers, ports }: ManyContext) {
    const [first] = ports;
    if (first === undefined) throw new Error('no ports');
    const address = host.serviceAddress ?? host.address;
    const rules = renderManyRules(
      address,
      ports,
      servers.map((server) => server.address),
    );
    await host.run('nft', ['-f', '-'], { input: rules, privileged: true });
    const { loose } = LATE[modeOfPort(first)];
    // After the rules: they make the kernel load connection tracking, and only then does the setting exist.
    await host.setSysctl('net.netfilter.nf_conntrack_tcp_loose', loose);
    if (modeOfPort(first) === 'reset-both')
      await host
        .spawnModule(
          'services/balancer/reset-both',
          [ports.map(({ port }) => port).join(','), String(first.box.middlebox.timeoutSeconds)],
          { as: `the resetter on ${host.name}`, privileged: true },
        )
        .line(/^ready$/);
    return { address };
  },
};

const conntrack: Box = {
  params: z.enum(['rebalance', 'reset-sender', 'drop', 'reset-both']),
  entrance: true,
  hidesClients: () => false,
  many: manyByConntrack,
  sysctls: (box) => conntrackSysctls(box.timers.idleSeconds, LATE[modeOf(box)].loose),
  async play(context) {
    const { box, host, next, connections, port } = context;
    const mode = modeOf(box);
    const address = host.serviceAddress ?? host.address;
    const file = await context.writeConfig(
      `${host.name}.nft`,
      renderRules({
        address,
        port,
        brokers: next,
        connections,
        idleTimeoutSeconds: box.timers.idleSeconds,
        mode,
        ownAddress: !host.passesForeignAddresses,
      }),
    );
    await host.run('nft', ['-f', file], { privileged: true });
    // After the rules: they make the kernel load connection tracking, and only then do its settings exist.
    await setSysctls(host, conntrackSysctls(box.timers.idleSeconds, LATE[mode].loose));
    if (mode === 'reset-both')
      await context
        .spawnModule(
          'services/balancer/reset-both',
          [String(port), String(box.timers.idleSeconds)],
          `the resetter on ${host.name}`,
        )
        .line(/^ready$/);
    return { entrance: { address, port } };
  },
};
export default conntrack;
