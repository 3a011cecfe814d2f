// How boxes that are made of connection tracking are played many times at once.
import { looseFor } from '../../linux/late-packet.ts';
import type { ManyContext, ManyPlayer } from '../many.ts';
import { lateOf, renderManyRules, resetsBoth } from './many-rules.ts';

/** `tcp_loose` is one for all ports of a host. Who resets both ends listens to all packets of his host. */
export const manyByConntrack: ManyPlayer = {
  group(box) {
    if (resetsBoth(box)) return `reset-both ${box.middlebox.timeoutSeconds}`;
    return `conntrack, tcp_loose=${looseFor(lateOf(box))}`;
  },
  async play({ host, servers, ports }: ManyContext) {
    const [first] = ports;
    if (first === undefined) throw new Error('no ports');
    const address = host.serviceAddress ?? host.address;
    const rules = renderManyRules(
      address,
      ports,
      servers.map((server) => server.address),
      { ownAddress: !host.passesForeignAddresses },
    );
    await host.run('nft', ['-f', '-'], { input: rules, privileged: true });
    // After the rules: they make the kernel load connection tracking, and only then does the setting exist.
    await host.setSysctl('net.netfilter.nf_conntrack_tcp_loose', looseFor(lateOf(first.box)));
    if (resetsBoth(first.box))
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
