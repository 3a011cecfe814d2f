import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { unpackCapture } from '../../src/evidence/capture-file.ts';
import { parsePacket } from '../../src/wire/packet.ts';
import { copyOfPacket, PacketTable } from '../../src/wire/packets.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { FIXTURES } from '../helpers/fixture.ts';

describe('a table of packets', () => {
  it.each(FIXTURES)('has of each what its frame tells: %s', (scenario) => {
    const file = readFileSync(join(packageRoot, 'test/fixtures', scenario, 'capture.pcapng'));
    const table = new PacketTable();
    const expected = readPcapng(unpackCapture(file, 2 ** 30)).frames.flatMap((frame) => {
      const header = parsePacket(frame.data, frame.linkType);
      if (!header) return [];
      const { host, interface: name, time } = frame;
      table.add(time, table.pointOf(host, name, header.outgoing), header);
      const { interfaceIndex: _, flagBits: __, ...rest } = header;
      return [{ n: 0, time, host, interface: name, ...rest }];
    });
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.map((_, row) => copyOfPacket(table.packet(row)))).toEqual(expected);
  });
});
