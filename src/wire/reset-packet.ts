import { addressBytes } from './address.ts';
import type { Way } from './endpoint.ts';

/** The internet checksum (RFC 1071) of bytes whose length is even. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += bytes.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const TCP = 6;
const HOPS = 64;

function ipv4(addresses: Buffer, payload: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(0x4000, 6);
  header[8] = HOPS;
  header[9] = TCP;
  const packet = Buffer.concat([header, addresses, payload]);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  return packet;
}

function ipv6(addresses: Buffer, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = TCP;
  header[7] = HOPS;
  return Buffer.concat([header, addresses, payload]);
}

/**
 * An IP packet with a TCP header of 20 bytes that says RST, as RFC 9293 draws it.
 * @param options addresses of one family, IPv4 (RFC 791) or IPv6 (RFC 8200)
 * @throws Error on anything else
 */
export function resetPacket(options: Way & { seq: number }): Buffer {
  const [src, dst] = [addressBytes(options.src), addressBytes(options.dst)];
  if (!src || src.length !== dst?.length) throw new Error(`no reset can go from ${options.src} to ${options.dst}`);
  const addresses = Buffer.concat([src, dst]);
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(options.sport, 0);
  tcp.writeUInt16BE(options.dport, 2);
  tcp.writeUInt32BE(options.seq >>> 0, 4);
  tcp[12] = 0x50;
  tcp[13] = 0x04;
  // What the pseudo headers of both families come down to, their order not counting in a sum.
  tcp.writeUInt16BE(checksum(Buffer.concat([addresses, Buffer.from([0, TCP, 0, tcp.length]), tcp])), 16);
  return src.length === 4 ? ipv4(addresses, tcp) : ipv6(addresses, tcp);
}
