/** The internet checksum (RFC 1071) of bytes whose length is even. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += bytes.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv4 packet with a TCP header of 20 bytes that says RST, as RFC 9293 draws it. Addresses are dotted quads. */
export function resetPacket(options: { src: string; sport: number; dst: string; dport: number; seq: number }): Buffer {
  const packet = Buffer.alloc(40);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(0x4000, 6);
  packet[8] = 64;
  packet[9] = 6;
  Buffer.from(options.src.split('.').map(Number)).copy(packet, 12);
  Buffer.from(options.dst.split('.').map(Number)).copy(packet, 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  packet.writeUInt16BE(options.sport, 20);
  packet.writeUInt16BE(options.dport, 22);
  packet.writeUInt32BE(options.seq >>> 0, 24);
  packet[32] = 0x50;
  packet[33] = 0x04;
  const pseudoHeader = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, 6, 0, 20])]);
  packet.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, packet.subarray(20)])), 36);
  return packet;
}
