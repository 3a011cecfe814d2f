import { z } from 'zod';
import { OWN_ADDRESS } from '../../linux/balancer-rules.ts';
import { endText } from '../../wire/endpoint.ts';
import { type Box, setSysctls } from '../box.ts';
import { conntrackSysctls, manyByConntrack } from './conntrack.ts';

/** A stateful firewall between client and server: no translation, connection tracking on what passes. */
const PASSING = `table inet firewall {
  chain forward {
    type filter hook forward priority filter
    ct state established,related,new accept
    ct state invalid drop
  }
}
`;

/** The same where only a network's own addresses pass: clients speak to the firewall, which speaks to the server. */
const translating = (address: string, port: number, server: string) => `table inet firewall {
  chain to_server {
    type nat hook prerouting priority dstnat
    ip daddr ${address} tcp dport ${port} dnat ip to ${endText(server, port)}
  }
${OWN_ADDRESS}
  chain forward {
    type filter hook forward priority filter
    ct state established,related,new accept
    ct state invalid drop
  }

  chain to_box {
    type filter hook input priority filter
    ct state invalid meta l4proto tcp drop
  }
}
`;

/** It takes up no connection in the middle. */
const LOOSE = 0;

const router: Box = {
  params: z.enum(['stateful']),
  entrance: false,
  hidesClients: () => false,
  // Without translation its timers are the same.
  many: manyByConntrack,
  sysctls: (box) => conntrackSysctls(box.timers.idleSeconds, LOOSE),
  refuses: ({ behind }) =>
    behind.length === 1
      ? undefined
      : {
          what: `a router leads to one server, not to ${behind.length}: it does not balance`,
          todo: 'leave out "count" and all servers but one, or take a balancer such as l4-drop',
        },
  async play({ box, host, next, port, writeConfig }) {
    const [server] = next.map(({ address }) => address) as [string];
    const own = host.serviceAddress ?? host.address;
    const passes = host.passesForeignAddresses;
    const file = await writeConfig(`${host.name}.nft`, passes ? PASSING : translating(own, port, server));
    await host.run('nft', ['-f', file], { privileged: true });
    await setSysctls(host, conntrackSysctls(box.timers.idleSeconds, LOOSE));
    return passes ? {} : { entrance: { address: own, port } };
  },
};
export default router;
