import { addressText, addressBytes as bytesOf } from '../wire/address.ts';
import { attribute, attributes, NetlinkSocket } from './netlink.ts';

// Links, addresses and routes of the network namespace this thread is in (rtnetlink(7)), as `ip` sets them.

const NETLINK_ROUTE = 0;
const RTM = {
  newLink: 16,
  newAddress: 20,
  newRoute: 24,
  getRoute: 26,
  newNeighbour: 28,
  newQdisc: 36,
  delQdisc: 37,
} as const;
const NLM_F_CREATE = 0x400;
const NLM_F_EXCL = 0x200;
const NLM_F_REPLACE = 0x100;
const IFA_F_NODAD = 0x02;
const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 1;
const IFLA = { address: 1, name: 3, linkInfo: 18, afSpec: 26, netNsFd: 28 } as const;
const IFLA_INFO = { kind: 1, data: 2 } as const;
const VETH_INFO_PEER = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFA = { address: 1, local: 2 } as const;
const RTA = { destination: 1, outInterface: 4, gateway: 5 } as const;
const NDA = { destination: 1, linkAddress: 2 } as const;
const NUD_PERMANENT = 0x80;
const RTMSG = 12;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
const TCA = { kind: 1, options: 2 } as const;
/** TC_H_ROOT: the queue through which all that an interface sends goes. */
const ROOT_QUEUE = 0xffff_ffff;
const ENOENT = 2;
const EINVAL = 22;

function linkHeader({ index = 0, flags = 0, change = 0 }): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(change, 12);
  return header;
}

const text = (value: string) => Buffer.from(`${value}\0`);
const addressOf = (address: string): { family: number; bytes: Buffer } => {
  const bytes = bytesOf(address);
  if (bytes === undefined) throw new Error(`not an IP address: ${address}`);
  return { family: bytes.length === 4 ? AF_INET : AF_INET6, bytes };
};

function descriptor(fd: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(fd);
  return bytes;
}

function request(type: number, flags: number, ...parts: Buffer[]): void {
  using netlink = new NetlinkSocket(NETLINK_ROUTE);
  netlink.request(type, flags, Buffer.concat(parts));
}

/** A pair of virtual Ethernet devices, one end in each of two namespaces, given by their descriptors. */
export function addVeth(one: { name: string; namespace: number }, other: { name: string; namespace: number }): void {
  const end = ({ name, namespace }: typeof one) => [
    attribute(IFLA.name, text(name)),
    attribute(IFLA.netNsFd, descriptor(namespace)),
  ];
  const peer = attribute(VETH_INFO_PEER, Buffer.concat([linkHeader({}), ...end(other)]));
  const info = Buffer.concat([attribute(IFLA_INFO.kind, text('veth')), attribute(IFLA_INFO.data, peer)]);
  request(RTM.newLink, NLM_F_CREATE | NLM_F_EXCL, linkHeader({}), ...end(one), attribute(IFLA.linkInfo, info));
}

export function setLink(index: number, up: boolean): void {
  request(RTM.newLink, 0, linkHeader({ index, flags: up ? IFF_UP : 0, change: IFF_UP }));
}

/** Gives an interface, which is down, its address on the link. @param address 6 bytes */
export function setLinkAddress(index: number, address: Buffer): void {
  request(RTM.newLink, 0, linkHeader({ index }), attribute(IFLA.address, address));
}

/** Tells who has an address on the link of an interface, for as long as that is up: nobody need be asked. */
export function addNeighbour(index: number, address: string, linkAddress: Buffer): void {
  const { family, bytes } = addressOf(address);
  const header = Buffer.alloc(12);
  header[0] = family;
  header.writeInt32LE(index, 4);
  header.writeUInt16LE(NUD_PERMANENT, 8);
  request(
    RTM.newNeighbour,
    NLM_F_CREATE | NLM_F_REPLACE,
    header,
    attribute(NDA.destination, bytes),
    attribute(NDA.linkAddress, linkAddress),
  );
}

/** Without this a link that comes up begins to speak IPv6 of its own accord. */
export function withoutLinkLocal(index: number): void {
  const mode = attribute(IFLA_INET6_ADDR_GEN_MODE, Buffer.from([IN6_ADDR_GEN_MODE_NONE]));
  request(RTM.newLink, 0, linkHeader({ index }), attribute(IFLA.afSpec, attribute(AF_INET6, mode)));
}

/**
 * @param address IPv4 or IPv6. One of IPv6 is there at once (IFA_F_NODAD): nobody else can have it, and asking around takes a
 *   second
 */
export function addAddress(index: number, address: string, prefixLength: number): void {
  const { family, bytes } = addressOf(address);
  const header = Buffer.alloc(8);
  header[0] = family;
  header[1] = prefixLength;
  header[2] = family === AF_INET6 ? IFA_F_NODAD : 0;
  header.writeUInt32LE(index, 4);
  request(
    RTM.newAddress,
    NLM_F_CREATE | NLM_F_EXCL,
    header,
    attribute(IFA.local, bytes),
    attribute(IFA.address, bytes),
  );
}

/**
 * Adds a route, or puts it in the place of the one that leads there.
 * @param to a network, as in 198.18.10.0/24
 * @param via the address of a neighbour
 */
export function addRoute(to: string, via: string): void {
  const [network = '', prefixLength] = to.split('/');
  const { family, bytes } = addressOf(network);
  const header = Buffer.alloc(12);
  header[0] = family;
  header[1] = Number(prefixLength);
  header[4] = RT_TABLE_MAIN;
  header[5] = RTPROT_STATIC;
  header[7] = RTN_UNICAST;
  request(
    RTM.newRoute,
    NLM_F_CREATE | NLM_F_REPLACE,
    header,
    attribute(RTA.destination, bytes),
    attribute(RTA.gateway, addressOf(via).bytes),
  );
}

export interface KernelRoute {
  /** A network, as in 198.18.10.0/24; /0 for the default route. */
  to: string;
  /** The neighbour's address; undefined where the network is on the link itself. */
  via: string | undefined;
  /** Index of the interface. */
  interface: number;
}

const LINK_LOCAL = 'fe80::';
const ANY = { [AF_INET]: '0.0.0.0', [AF_INET6]: '::' } as const;

/**
 * The unicast routes of the main table of the network namespace this thread is in, as `ip route` and `ip -6 route`
 * show them, but for those of IPv6's link-local network.
 */
export function routeTable(): KernelRoute[] {
  using netlink = new NetlinkSocket(NETLINK_ROUTE);
  return ([AF_INET, AF_INET6] as const).flatMap((family) => {
    const header = Buffer.alloc(RTMSG);
    header[0] = family;
    return netlink.dump(RTM.getRoute, header).flatMap(({ payload }): KernelRoute[] => {
      const [, prefixLength, , , table, , , type] = payload;
      if (payload[0] !== family || table !== RT_TABLE_MAIN || type !== RTN_UNICAST) return [];
      const found = attributes(payload.subarray(RTMSG));
      const [to, via] = [found.get(RTA.destination), found.get(RTA.gateway)];
      if (to !== undefined && addressText(to) === LINK_LOCAL) return [];
      return [
        {
          to: `${to ? addressText(to) : ANY[family]}/${prefixLength}`,
          via: via && addressText(via),
          interface: found.get(RTA.outInterface)?.readInt32LE() ?? 0,
        },
      ];
    });
  });
}

/** A queueing discipline (tc(8)): its kind, and its options as the kernel reads them. */
export interface Queue {
  kind: string;
  options: Buffer;
}

/**
 * Puts a queue before an interface, in the place of the one that is there; undefined takes it away.
 * @throws Error with `errno` when the kernel refuses; ENOENT where it does not know the kind
 */
export function setRootQueue(index: number, queue: Queue | undefined): void {
  const header = Buffer.alloc(20);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(ROOT_QUEUE, 12);
  if (queue !== undefined) {
    request(
      RTM.newQdisc,
      NLM_F_CREATE | NLM_F_REPLACE,
      header,
      attribute(TCA.kind, text(queue.kind)),
      attribute(TCA.options, queue.options),
    );
    return;
  }
  try {
    request(RTM.delQdisc, 0, header);
  } catch (error) {
    // There is none of ours.
    if (![ENOENT, EINVAL].includes((error as { errno?: number }).errno ?? 0)) throw error;
  }
}
