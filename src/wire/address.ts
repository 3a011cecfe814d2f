import ipaddr from 'ipaddr.js';

// IP addresses as text, in one form each: IPv4 in dotted quads, IPv6 as RFC 5952 writes it. An IPv4 address in IPv6 clothes
// (RFC 4291, 2.5.5.2) is an IPv4 address. This is the only file that knows the library.

/** Texts already made are kept, for a capture has few addresses and many packets; beyond so many they are made anew. */
const KEPT = 4096;

/** By what it was made from. */
class Kept {
  readonly #texts = new Map<string, string>();

  get(key: string, make: () => string): string {
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const text = make();
    if (this.#texts.size >= KEPT) this.#texts.clear();
    this.#texts.set(key, text);
    return text;
  }
}
const ofBytes = new Kept();
const ofText = new Kept();

const textOf = (address: ipaddr.IPv4 | ipaddr.IPv6): string =>
  address instanceof ipaddr.IPv6
    ? address.isIPv4MappedAddress()
      ? address.toIPv4Address().toString()
      : address.toRFC5952String()
    : address.toString();

/** An address in its one form, from the 4 or 16 bytes at an offset. */
export function addressAt(bytes: Buffer, offset: number, size: 4 | 16): string {
  if (size === 4) return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
  const raw = bytes.subarray(offset, offset + 16);
  return ofBytes.get(raw.toString('latin1'), () => textOf(new ipaddr.IPv6([...raw])));
}

/** An address in its one form, from its 4 or 16 bytes. */
export const addressText = (bytes: Buffer): string => addressAt(bytes, 0, bytes.length === 4 ? 4 : 16);

function parsed(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // The library takes "10.1" and "0x7f.1" as inet_aton(3) does; no address of ours looks like that.
  if (!text.includes(':')) return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined;
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
}

/** The one form of an address; undefined for what is none. */
export function parseAddress(text: string): string | undefined {
  const address = parsed(text);
  return address && textOf(address);
}

/** The one form of an address; what is none (a name, "*") stays as it is. */
export const canonicalAddress = (text: string): string =>
  text.includes(':') ? ofText.get(text, () => parseAddress(text) ?? text) : text;

/** The 4 or 16 bytes of an address, of an IPv4 address in IPv6 clothes 4; undefined for what is none. */
export function addressBytes(text: string): Buffer | undefined {
  const address = parsed(canonicalAddress(text));
  return address && Buffer.from(address.toByteArray());
}

export type Family = 4 | 6;

/** The version of IP that an address belongs to; undefined for what is none. */
export function familyOf(text: string): Family | undefined {
  const address = parsed(canonicalAddress(text));
  return address && (address instanceof ipaddr.IPv6 ? 6 : 4);
}
