import { endText } from '../wire/endpoint.ts';
import { LATE, type Mode } from './late-packet.ts';

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

const timeoutRules = (port: number, serverPorts: readonly number[], timeout: string) =>
  [`tcp dport ${port}`, ...serverPorts.map((from) => `tcp sport ${from}`)]
    .map((match) => `    ${match} ct timeout set "${timeout}"`)
    .join('\n');

/**
 * Another idle timeout for flows that begin from now on; those that are there keep theirs.
 * @param name of the new timeout, not used before
 */
export const renderNewTimeout = (options: {
  table?: string;
  port: number;
  serverPorts: readonly number[];
  name: string;
  idleTimeoutSeconds: number;
}): string => {
  const { table = 'balancer', port, serverPorts, name, idleTimeoutSeconds } = options;
  return `table inet ${table} {
  ct timeout ${name} {
    protocol tcp
    l3proto ip
    policy = { established : ${Math.round(idleTimeoutSeconds)} }
  }
}
flush chain inet ${table} idle_timeout
table inet ${table} {
  chain idle_timeout {
${timeoutRules(port, serverPorts, name)}
  }
}
`;
};

/**
 * The rule set of the L4 balancer: DNAT of `address:port` over the brokers, an idle timeout of its own for the port.
 *
 * New connections (SYN) go round robin. A mid-stream packet that is balanced anew goes to the broker after the one that
 * this client port was last sent to, so "the wrong broker" is certain and not a coin's toss.
 */
export function renderRules(options: {
  /** Name of the table. */
  table?: string;
  /** The address that clients connect to; undefined for any of the box's own. */
  address?: string;
  port: number;
  /** `port`: where it listens, if not where the balancer does. */
  brokers: readonly { name: string; address: string; port?: number }[];
  connections: number;
  idleTimeoutSeconds: number;
  mode: Mode;
  /** Whether it shows its own address to the brokers instead of the client's. */
  ownAddress: boolean;
}): string {
  const { table = 'balancer', address, port, brokers, connections, idleTimeoutSeconds, mode, ownAddress } = options;
  const marks = brokers.map((_, index) => index + 1);
  const next = (mark: number) => brokers[mark % brokers.length]?.name;
  const { toBox, through } = LATE[mode];
  const serverPorts = [...new Set(brokers.map((broker) => broker.port ?? port))];
  const late = (verdict: string) =>
    [`tcp dport ${port}`, ...serverPorts.map((from) => `tcp sport ${from}`)]
      .map((match) => `    ${match} ct state invalid counter ${verdict}`)
      .join('\n');
  return `table inet ${table} {
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
${timeoutRules(port, serverPorts, `idle-${port}`)}
  }

  chain balance {
    type nat hook prerouting priority dstnat
    ${address === undefined ? 'fib daddr type local' : `ip daddr ${address}`} tcp dport ${port} goto choose
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
    meta l4proto tcp dnat ip to ${endText(broker.address, broker.port ?? port)}
  }
`,
  )
  .join('')}
${ownAddress ? OWN_ADDRESS : ''}
  chain late_to_box {
    type filter hook input priority filter
${late(toBox)}
  }

  chain late_through {
    type filter hook forward priority filter
${late(through)}
  }
}
`;
}
