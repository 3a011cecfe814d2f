import { canonicalAddress, parseAddress } from './address.ts';

// One end of a TCP connection, and the way from one end to the other. Their texts are made and read here and nowhere else, so
// that what a socket table, a capture, connection tracking and a proxy say of the same end is the same text.

export interface Endpoint {
  address: string;
  port: number;
}

/** From one end to another: conntrack's tuple and a packet's header both are one. */
export interface Way {
  src: string;
  sport: number;
  dst: string;
  dport: number;
}

/** "address:port", with brackets around IPv6 (RFC 3986, 3.2.2); the one text of an end, and its key in maps. */
export function endText(address: string, port: number): string {
  if (!address.includes(':')) return `${address}:${port}`;
  const canonical = canonicalAddress(address);
  return canonical.includes(':') ? `[${canonical}]:${port}` : `${canonical}:${port}`;
}

export const endpointText = ({ address, port }: Endpoint): string => endText(address, port);

const TEXT = /^(?:\[(?<v6>[^\]]*:[^\]]*)\]|(?<v4>[^:[\]]+)):(?<port>0|[1-9]\d{0,4})$/;

/** Reads "address:port" or "[address]:port"; undefined for anything else: names, ports beyond 65535, IPv6 without brackets. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const found = TEXT.exec(text)?.groups;
  if (!found) return undefined;
  const address = parseAddress(found.v6 ?? found.v4 ?? '');
  const port = Number(found.port);
  return address === undefined || port > 0xffff ? undefined : { address, port };
}

export const sourceOf = ({ src, sport }: Pick<Way, 'src' | 'sport'>): Endpoint => ({ address: src, port: sport });
export const destinationOf = ({ dst, dport }: Pick<Way, 'dst' | 'dport'>): Endpoint => ({ address: dst, port: dport });

export const sourceText = ({ src, sport }: Pick<Way, 'src' | 'sport'>): string => endText(src, sport);
export const destinationText = ({ dst, dport }: Pick<Way, 'dst' | 'dport'>): string => endText(dst, dport);

/** For people: "a:p > b:p". */
export const wayText = (way: Way): string => `${sourceText(way)} > ${destinationText(way)}`;

/** The key in maps of a way between two ends that are texts already, as a socket table has them. */
export const keyBetween = (source: string, destination: string): string => `${source}>${destination}`;

/** The key of a way in maps. */
export const wayKey = (way: Way): string => keyBetween(sourceText(way), destinationText(way));

/** The way back. */
export const reversed = ({ src, sport, dst, dport }: Way): Way => ({ src: dst, sport: dport, dst: src, dport: sport });
