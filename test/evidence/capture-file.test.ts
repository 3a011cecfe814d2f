import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { packer, unpackCapture } from '../../src/evidence/capture-file.ts';
import { CAPTURE_FILE } from '../../src/evidence/files.ts';
import { readEvidence } from '../../src/evidence/read.ts';
import { type CapturedFrame, readPcapng, writePcapng } from '../../src/wire/pcapng.ts';

const FIXTURE = join(packageRoot, 'test/fixtures/rebalance');
const small = readFileSync(join(FIXTURE, CAPTURE_FILE));
const MOST = 2 ** 30;
const large = () => {
  const { frames } = readPcapng(small);
  return writePcapng(Array.from({ length: 400 }, () => frames).flat() as CapturedFrame[], 'test');
};

/** In pieces of any size, as a writer gathers them. */
function packCapture(whole: Buffer): Buffer {
  const pieces: Buffer[] = [];
  const packed = packer(whole.length, (piece) => pieces.push(Buffer.from(piece)));
  for (let at = 0; at < whole.length; at += 1_000_003) packed.add(whole.subarray(at, at + 1_000_003));
  packed.end();
  return Buffer.concat(pieces);
}

describe('a capture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-capture-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('that is small stays as it is', () => expect(packCapture(small).equals(small)).toBe(true));

  it('that is large takes much less of the disk, and is the same when it is read', () => {
    const whole = large();
    const packed = packCapture(whole);
    expect(packed.length).toBeLessThan(whole.length / 4);
    expect(unpackCapture(packed, MOST).equals(whole)).toBe(true);
  });

  it('that is packed is evidence like any other; cut off, it is known to be', () => {
    cpSync(FIXTURE, folder, { recursive: true });
    const packed = gzipSync(small);
    writeFileSync(join(folder, CAPTURE_FILE), packed);
    const { acts, counts } = readEvidence(folder);
    expect(counts.frames).toBe(readEvidence(FIXTURE).counts.frames);
    expect(acts[0]?.record.lostEvidence.cut).toEqual([]);
    writeFileSync(join(folder, CAPTURE_FILE), packed.subarray(0, packed.length / 2));
    expect(readEvidence(folder).acts[0]?.record.lostEvidence.cut).toContain(
      'capture.pcapng ends in the middle of a packet',
    );
  });

  it('that would unpack to more than may be read is refused', () =>
    expect(() => unpackCapture(packCapture(large()), 1_000_000)).toThrow());
});
