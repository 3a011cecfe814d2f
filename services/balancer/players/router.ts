import type { Player } from '../player.ts';
import { tuneConntrack } from './conntrack.ts';

/** A stateful firewall between client and server: no translation, connection tracking on what passes. */
const rules = `table inet firewall {
  chain forward {
    type filter hook forward priority filter
    ct state established,related,new accept
    ct state invalid drop
  }
}
`;

const router: Player = {
  async play({ box, host, brokers, port, writeConfig }) {
    await host.run('nft', ['-f', writeConfig(`${host.name}.nft`, rules)]);
    tuneConntrack(host, box.idleTimeoutSeconds, 0);
    return { target: { address: brokers[0]?.address as string, port } };
  },
};
export default router;
