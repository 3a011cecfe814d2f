import { endText } from '../wire/endpoint.ts';
import { type LateBySide, lateRules, type Mode } from './late-packet.ts';

/** What nftables calls things of a version of IP. */
export const FAMILY = {
  v4: { header: 'ip', l3proto: 'ip', address: 'ipv4_addr' },
  v6: { header: 'ip6', l3proto: 'ip6', address: 'ipv6_addr' },
} as const;
export type IpVersion = keyof typeof FAMILY;

/** `dnat` needs its address in brackets where a port follows and IPv6 has colons of its own; so endText writes it. */
export const dnatTo = (ip: IpVersion, address: string, port: number): string =>
  `dnat ${FAMILY[ip].header} to ${endText(address, port)}`;

/**
 * How often a connection may be opened anew before the balancer forgets to which broker its first port led. The kernel walks
 * a whole table once a second, filled or not, so it is no larger than it must be.
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
  ip?: IpVersion;
}): string => {
  const { table = 'balancer', port, serverPorts, name, idleTimeoutSeconds, ip = 'v4' } = options;
  return `table inet ${table} {
  ct timeout ${name} {
    protocol tcp
    l3proto ${FAMILY[ip].l3proto}
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
  mode: Mode | LateBySide;
  /** Whether it shows its own address to the brokers instead of the client's. */
  ownAddress: boolean;
  ip?: IpVersion;
}): string {
  const { table = 'balancer', address, port, brokers, connections, idleTimeoutSeconds, mode, ownAddress } = options;
  const { ip = 'v4' } = options;
  const { header, l3proto, address: addressType } = FAMILY[ip];
  const client = `${header} saddr . tcp sport`;
  const nextName = (index: number) => brokers[(index + 1) % brokers.length]?.name;
  const serverPorts = [...new Set(brokers.map((broker) => broker.port ?? port))];
  const late = (where: 'toBox' | 'through') =>
    lateRules(mode, where, { port, serverPorts })
      .map((rule) => `    ${rule}`)
      .join('\n');
  return `table inet ${table} {
  ct timeout idle-${port} {
    protocol tcp
    l3proto ${l3proto}
    policy = { established : ${Math.round(idleTimeoutSeconds)} }
  }

${brokers
  .map(
    ({ name }) => `  set led-to-${name} {
    type ${addressType} . inet_service
    size ${Math.min(65_535, Math.max(1024, connections * PORTS_A_CONNECTION))}
    flags dynamic
  }
`,
  )
  .join('')}
  chain idle_timeout {
    type filter hook prerouting priority mangle
${timeoutRules(port, serverPorts, `idle-${port}`)}
  }

  chain balance {
    type nat hook prerouting priority dstnat
    ${address === undefined ? 'fib daddr type local' : `${header} daddr ${address}`} tcp dport ${port} goto choose
  }

  chain choose {
    tcp flags & (syn | ack) == syn numgen inc mod ${brokers.length} vmap { ${brokers.map(({ name }, index) => `${index} : goto to-${name}`).join(', ')} }
${brokers.map(({ name }, index) => `    ${client} @led-to-${name} goto to-${nextName(index)}`).join('\n')}
    goto to-${brokers[0]?.name}
  }
${brokers
  .map(
    (broker) => `
  chain to-${broker.name} {
    update @led-to-${broker.name} { ${client} }
${brokers
  .filter((other) => other !== broker)
  .map(({ name }) => `    delete @led-to-${name} { ${client} }\n`)
  .join('')}\
    meta l4proto tcp ${dnatTo(ip, broker.address, broker.port ?? port)}
  }
`,
  )
  .join('')}
${ownAddress ? OWN_ADDRESS : ''}
  chain late_to_box {
    type filter hook input priority filter
${late('toBox')}
  }

  chain late_through {
    type filter hook forward priority filter
${late('through')}
  }
}
`;
}
