import { OWN_ADDRESS } from '../../linux/balancer-rules.ts';
import { endText } from '../../wire/endpoint.ts';
import { type Player, setSysctls } from '../player.ts';
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

const router: Player = {
  // Without translation its timers are the same.
  many: manyByConntrack,
  sysctls: (box) => conntrackSysctls(box.idleTimeoutSeconds, LOOSE),
  refuses: ({ brokers }) =>
    brokers.length === 1
      ? undefined
      : {
          what: `a router leads to one broker, not to ${brokers.length}: it does not balance`,
          todo: 'leave out "count" and all brokers but one, or take a balancer such as l4-drop',
        },
  async play({ box, host, brokers, port, writeConfig }) {
    const [server] = brokers.map(({ address }) => address) as [string];
    const own = host.serviceAddress ?? host.address;
    const passes = host.passesForeignAddresses;
    const file = await writeConfig(`${host.name}.nft`, passes ? PASSING : translating(own, port, server));
    await host.run('nft', ['-f', file], { privileged: true });
    await setSysctls(host, conntrackSysctls(box.idleTimeoutSeconds, LOOSE));
    return { target: { address: passes ? server : own, port } };
  },
};
export default router;
