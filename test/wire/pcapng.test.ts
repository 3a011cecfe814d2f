import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { type CapturedFrame, readPcapng, writePcapng } from '../../src/wire/pcapng.ts';
import { lacks } from '../helpers/read-back.ts';

const capture = join(packageRoot, 'test/fixtures/rebalance/capture.pcapng');

describe('capture.pcapng', () => {
  it('is read back as it was written, comments included', () => {
    const frame = fc.record({
      nanoseconds: fc.bigInt({ min: 0n, max: 2n ** 62n }),
      data: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      host: fc.constantFrom('pool', 'mq-1'),
      interface: fc.constantFrom('eth0', 'lo'),
      comment: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
        const full = frames.map(
          ({ comment, ...each }): CapturedFrame => ({
            ...each,
            time: Number(each.nanoseconds / 1000n) / 1e6,
            originalLength: each.data.length + 1,
            linkType: 276,
            ...(comment === undefined ? {} : { comment }),
          }),
        );
        expect(readPcapng(writePcapng(full, 'test'))).toEqual({ frames: full, cut: false });
      }),
    );
  });
  it('says that it was cut off, wherever that was in its last packet', () => {
    const bytes = readFileSync(capture);
    const { frames } = readPcapng(bytes);
    const last = bytes.readUInt32LE(bytes.length - 4);
    for (let missing = 1; missing < last; missing++) {
      const read = readPcapng(bytes.subarray(0, bytes.length - missing));
      expect([read.cut, read.frames.length]).toEqual([true, frames.length - 1]);
    }
    expect(readPcapng(Buffer.alloc(0)).cut).toBe(true);
  });
  it.each([
    ['two lengths that differ', (block: Buffer) => block.writeUInt32LE(block.length + 4, block.length - 4)],
    ['a packet longer than its block', (block: Buffer) => block.writeUInt32LE(block.length, 20)],
    ['a packet longer than it was on the wire', (block: Buffer) => block.writeUInt32LE(1, 24)],
    ['a length that holds no header', (block: Buffer) => block.writeUInt32LE(16, 4)],
    ['an unknown interface', (block: Buffer) => block.writeUInt32LE(99, 8)],
  ])('is refused where a block has %s', (_, lie) => {
    const bytes = Buffer.from(readFileSync(capture));
    lie(bytes.subarray(bytes.length - bytes.readUInt32LE(bytes.length - 4)));
    expect(() => readPcapng(bytes)).toThrow();
  });
  it.skipIf(lacks('tshark'))('is read by tshark as the lab reads it', () => {
    const fields = ['frame.number', 'frame.interface_name', 'tcp.flags.reset'].flatMap((field) => ['-e', field]);
    const lines = execFileSync('tshark', ['-r', capture, '-T', 'fields', ...fields], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split('\n');
    const { frames } = readPcapng(readFileSync(capture));
    expect(lines.length).toBe(frames.length);
    expect(lines.map((line) => line.split('\t')[1])).toEqual(frames.map((each) => `${each.host}/${each.interface}`));
  });
});
