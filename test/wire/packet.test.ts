import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { addressText } from '../../src/wire/address.ts';
import { type Header, LINKTYPE, parsePacket, seqDelta } from '../../src/wire/packet.ts';
import { readPcapng, writePcapng } from '../../src/wire/pcapng.ts';
import { resetPacket } from '../../src/wire/reset-packet.ts';
import { buildFrame, wanted } from '../helpers/build-frame.ts';
import { Mutator } from '../helpers/mutate-bytes.ts';
import { lacks } from '../helpers/read-back.ts';

/** The one's complement sum over bytes that hold their own checksum is all ones (RFC 1071). */
function folds(bytes: Buffer): boolean {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += bytes.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}

const address6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => addressText(Buffer.from([0x20, ...bytes.slice(1)])));
const pair = fc.oneof(fc.tuple(fc.ipV4(), fc.ipV4()), fc.tuple(address6, address6));
const port = fc.integer({ min: 1, max: 65_535 });
const seq = fc.integer({ min: 0, max: 0xffff_ffff });

/** A segment with five bytes of payload in a frame of each kind. */
function frameOf(link: keyof typeof LINKTYPE, version: 4 | 6): Buffer {
  const tcp = Buffer.alloc(25);
  tcp.writeUInt16BE(40_006, 0);
  tcp.writeUInt16BE(6379, 2);
  tcp.writeUInt32BE(7, 4);
  tcp.writeUInt32BE(9, 8);
  tcp.writeUInt16BE(0x5018, 12);
  tcp.writeUInt16BE(512, 14);
  const ip = Buffer.alloc(version === 4 ? 20 : 40);
  if (version === 4) {
    ip[0] = 0x45;
    ip.writeUInt16BE(ip.length + tcp.length, 2);
    ip[8] = 64;
    ip[9] = 6;
    ip.set([198, 18, 10, 2, 198, 18, 0, 1], 12);
  } else {
    ip[0] = 0x60;
    ip.writeUInt16BE(tcp.length, 4);
    ip[6] = 6;
    ip[7] = 64;
    ip.set([0x20, 0x01, 0x0d, 0xb8], 8);
    ip.set([0x20, 0x01, 0x0d, 0xb8], 24);
  }
  const header = Buffer.alloc({ ethernet: 14, raw: 0, sll: 16, sll2: 20 }[link]);
  const at = { ethernet: 12, raw: undefined, sll: 14, sll2: 0 }[link];
  if (at !== undefined) header.writeUInt16BE(version === 4 ? 0x0800 : 0x86dd, at);
  return Buffer.concat([header, ip, tcp]);
}

const FRAMES = (Object.keys(LINKTYPE) as (keyof typeof LINKTYPE)[]).flatMap((link) =>
  ([4, 6] as const).map((version) => ({ link, version, linkType: LINKTYPE[link], frame: frameOf(link, version) })),
);

describe('TCP headers', () => {
  it('a reset that the lab makes is read back as it was meant, with right checksums', () => {
    fc.assert(
      fc.property(pair, port, port, seq, ([src, dst], sport, dport, number) => {
        const bytes = resetPacket({ src, sport, dst, dport, seq: number });
        expect(parsePacket(bytes, LINKTYPE.raw)).toMatchObject({
          src,
          dst,
          sport,
          dport,
          seq: number,
          flags: 'R',
          length: 0,
        });
        const four = bytes[0] === 0x45;
        const pseudo = Buffer.concat([
          four ? bytes.subarray(12, 20) : bytes.subarray(8, 40),
          Buffer.from([0, 6, 0, 20]),
          bytes.subarray(-20),
        ]);
        expect([!four || folds(bytes.subarray(0, 20)), folds(pseudo)]).toEqual([true, true]);
      }),
    );
  });
  it.each([
    ['10.0.0.1', '2001:db8::1'],
    ['mq-1', '10.0.0.1'],
    ['10.0.0.1', ''],
  ])('no reset goes from "%s" to "%s"', (src, dst) =>
    expect(() => resetPacket({ src, dst, sport: 1, dport: 2, seq: 3 })).toThrow('no reset'),
  );
  it.each(FRAMES)('a segment on $link over IPv$version is read', ({ frame, linkType }) => {
    expect(parsePacket(frame, linkType)).toMatchObject({ sport: 40_006, dport: 6379, seq: 7, flags: 'PA', length: 5 });
  });
  it.each(FRAMES)(
    'whatever becomes of a frame on $link over IPv$version, it is a segment or left out',
    ({ frame, linkType }) => {
      const outcomes = new Set<string>();
      for (let seed = 0; seed < 1500; seed++) {
        const bytes = new Mutator(seed).bytes(frame);
        const packet = parsePacket(bytes, linkType);
        outcomes.add(packet === undefined ? 'left out' : 'a segment');
        if (packet === undefined) continue;
        expect(isIP(packet.src)).toBeGreaterThan(0);
        expect(isIP(packet.dst)).toBeGreaterThan(0);
        expect(packet.flags).toMatch(/^S?F?R?P?A?U?E?C?$/);
        for (const [value, most] of [
          [packet.sport, 0xffff],
          [packet.dport, 0xffff],
          [packet.seq, 0xffff_ffff],
          [packet.ack, 0xffff_ffff],
          [packet.window, 0xffff],
          [packet.length, 0xffff],
          [packet.ttl, 0xff],
          [packet.dataOffset, 60],
          [packet.interfaceIndex, 0xffff_ffff],
        ] as const)
          expect(Number.isInteger(value) && value >= 0 && value <= most).toBe(true);
      }
      expect([...outcomes].sort()).toEqual(['a segment', 'left out']);
    },
  );
  it.each(FRAMES)('a frame on $link over IPv$version that is cut in its headers is left out', ({ frame, linkType }) => {
    for (let length = 0; length < frame.length - 5; length++)
      expect(parsePacket(frame.subarray(0, length), linkType)).toBeUndefined();
  });
  it('says what was written into it, whatever headers and options come before its payload', () =>
    fc.assert(
      fc.property(wanted, (each) => {
        const frame = buildFrame(each);
        const packet = parsePacket(frame, LINKTYPE.raw) as Header;
        const { sport, dport, seq: number, ack, window, options, checksum } = each;
        expect(packet).toMatchObject({ sport, dport, seq: number, ack, window, ttl: 64 });
        expect([packet.src, packet.dst]).toEqual(
          [each.source, each.destination].map((at) => addressText(Buffer.from(at))),
        );
        expect(packet.options).toEqual(options);
        expect(packet.checksum).toBe(checksum);
        expect(packet.length).toBe(each.payload.length);
        expect(frame.length - packet.length - packet.dataOffset).toBe(
          each.version === 4
            ? 20 + each.ipOptions
            : 40 + each.extensions.reduce((sum, { kind, units }) => sum + (kind === 44 ? 8 : 8 * (units + 1)), 0),
        );
        expect(packet.flags).toBe(
          [2, 1, 4, 8, 16, 32, 64, 128].map((bit, index) => (each.bits & bit ? 'SFRPAUEC'[index] : '')).join(''),
        );
      }),
    ));
  it('whatever becomes of it with all its headers and options, it is a segment or left out', () =>
    fc.assert(
      fc.property(wanted, fc.nat(), (each, seed) => {
        const bytes = new Mutator(seed).bytes(buildFrame(each));
        const packet = parsePacket(bytes, LINKTYPE.raw);
        if (packet) expect(packet.dataOffset).toBeGreaterThanOrEqual(20);
      }),
      { numRuns: 2000 },
    ));
  it('a checksum cannot be told of a segment that was cut', () =>
    fc.assert(
      fc.property(wanted, (each) => {
        const frame = buildFrame({ ...each, payload: Buffer.alloc(3) });
        expect(parsePacket(frame.subarray(0, -1), LINKTYPE.raw)?.checksum).toBeUndefined();
      }),
    ));
  it('a flipped bit of its payload makes its checksum wrong', () =>
    fc.assert(
      fc.property(wanted, fc.nat(7), (each, bit) => {
        const frame = buildFrame({ ...each, checksum: 'ok', payload: Buffer.from('payload') });
        frame[frame.length - 3] = (frame.at(-3) as number) ^ (1 << bit);
        expect(parsePacket(frame, LINKTYPE.raw)?.checksum).toMatch(/wrong|partial/);
      }),
    ));
  it('of fragments only the first has a header, and no checksum that can be told', () => {
    const base = {
      sport: 1,
      dport: 2,
      seq: 3,
      ack: 4,
      bits: 16,
      window: 5,
      options: {},
      payload: Buffer.alloc(64),
      checksum: 'ok',
      ipOptions: 0,
    } as const;
    const four = buildFrame({
      ...base,
      version: 4,
      source: Buffer.alloc(4, 1),
      destination: Buffer.alloc(4, 2),
      extensions: [],
    });
    const six = buildFrame({
      ...base,
      version: 6,
      source: Buffer.alloc(16, 1),
      destination: Buffer.alloc(16, 2),
      extensions: [{ kind: 44, units: 0 }],
    });
    for (const [frame, at, more, later] of [
      [four, 6, 0x2000, 8],
      [six, 42, 1, 64],
    ] as const) {
      expect(parsePacket(frame, LINKTYPE.raw)?.checksum).toBe('ok');
      frame.writeUInt16BE(more, at);
      expect(parsePacket(frame, LINKTYPE.raw)).toMatchObject({ sport: 1, seq: 3, checksum: undefined });
      frame.writeUInt16BE(later, at);
      expect(parsePacket(frame, LINKTYPE.raw)).toBeUndefined();
    }
  });
  it('sequence numbers wrap', () => {
    expect(seqDelta(0xffff_fff0, 0x10)).toBe(0x20);
    expect(seqDelta(0x10, 0xffff_fff0)).toBe(-0x20);
  });
});

/** What tshark says, a line for each TCP segment: of an IP packet alone, not of one that an ICMP error quotes. */
function tshark(file: string, fields: readonly string[]): string[][] {
  const preferences = [
    'tcp.check_checksum:TRUE',
    'tcp.relative_sequence_numbers:FALSE',
    'tcp.analyze_sequence_numbers:FALSE',
    'ip.defragment:FALSE',
    'ipv6.defragment:FALSE',
  ];
  return execFileSync(
    'tshark',
    [
      '-r',
      file,
      '-Y',
      'tcp && !icmp && !icmpv6',
      '-T',
      'fields',
      ...preferences.flatMap((each) => ['-o', each]),
      ...fields.flatMap((each) => ['-e', each]),
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

const FIELDS = [
  'tcp.seq_raw',
  'tcp.ack_raw',
  'tcp.window_size_value',
  'tcp.hdr_len',
  'tcp.len',
  'tcp.options.timestamp.tsval',
  'tcp.options.timestamp.tsecr',
  'tcp.options.mss_val',
  'tcp.options.wscale.shift',
  'tcp.options.sack_le',
  'tcp.options.sack_re',
  'tcp.flags',
  'tcp.checksum.status',
];

/** The same from our reading. tshark knows no partial checksum: to it that is a bad one (0); 1 is good, 2 is not verified. */
const asTshark = ({ seq: number, ack, window, dataOffset, length, options, flags, checksum }: Header): string[] => [
  ...[
    number,
    ack,
    window,
    dataOffset,
    length,
    options.timestamps?.value,
    options.timestamps?.echo,
    options.mss,
    options.windowScale,
  ].map((each) => String(each ?? '')),
  (options.sack ?? []).map(({ left }) => left).join(','),
  (options.sack ?? []).map(({ right }) => right).join(','),
  `0x${[...flags]
    .reduce((sum, letter) => sum + ({ F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 }[letter] ?? 0), 0)
    .toString(16)
    .padStart(4, '0')}`,
  checksum === undefined ? '2' : checksum === 'ok' ? '1' : '0',
];

describe.skipIf(lacks('tshark'))('tshark reads the same', () => {
  it.each(['rebalance', 'lost-fin', 'two-hours', 'ipvs'])('from the capture of %s', (name) => {
    const file = join(packageRoot, 'test/fixtures', name, 'capture.pcapng');
    const ours = readPcapng(readFileSync(file)).frames.flatMap(
      ({ data, linkType }) => parsePacket(data, linkType) ?? [],
    );
    expect(ours.length).toBeGreaterThan(300);
    expect(ours.map(asTshark)).toEqual(tshark(file, FIELDS));
  });
  it('from frames of every kind', () => {
    const folder = mkdtempSync(join(tmpdir(), 'idlelab-frames-'));
    try {
      const file = join(folder, 'frames.pcapng');
      // Of no port that tshark would read a payload of.
      const frames = fc
        .sample(wanted, { numRuns: 400, seed: 1 })
        .map((each, index) => buildFrame({ ...each, sport: 40_000 + index, dport: 50_000 }));
      writeFileSync(
        file,
        writePcapng(
          frames.map((data, index) => ({
            data,
            originalLength: data.length,
            linkType: LINKTYPE.raw,
            host: 'a',
            interface: 'b',
            time: index,
            nanoseconds: BigInt(index) * 1_000_000_000n,
          })),
          'test',
        ),
      );
      const ours = frames.map((data) => asTshark(parsePacket(data, LINKTYPE.raw) as Header));
      expect(ours).toEqual(tshark(file, FIELDS));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
