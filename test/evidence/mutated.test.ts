// Evidence that was damaged or forged: it is refused as BAD_EVIDENCE, or read. No other error, no endless loop, no allocation of
// what a length claims. The same mutations each time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { LabError } from '../../src/base/errors.ts';
import { packageRoot } from '../../src/base/root.ts';
import { parseDocument, parseRows } from '../../src/evidence/document.ts';
import { type Evidence, readEvidence } from '../../src/evidence/read.ts';
import { type RunRecord, runRecord } from '../../src/evidence/record.ts';
import { eventsRow, flowsRow, socketsRow } from '../../src/evidence/rows.ts';
import { judgeRun } from '../../src/judge/judge.ts';
import { resultSchema } from '../../src/judge/result.ts';
import { parseChange, parseEntry } from '../../src/linux/ctnetlink.ts';
import { parseDiag } from '../../src/linux/inet-diag.ts';
import { attribute, attributes, parseDatagram } from '../../src/linux/netlink.ts';
import { parseProxyLog, parseProxySessions } from '../../src/wire/haproxy-log.ts';
import { parseIpvsTable } from '../../src/wire/ipvs-table.ts';
import { parsePacket } from '../../src/wire/packet.ts';
import { PcapStream, pcapHeader, pcapRecord } from '../../src/wire/pcap.ts';
import { readPcapng, writePcapng } from '../../src/wire/pcapng.ts';
import { Mutator } from '../helpers/mutate-bytes.ts';

const fixture = (scenario: string, file: string) => readFileSync(join(packageRoot, 'test/fixtures', scenario, file));

/** Runs cases until the first that ends in another way. @param allowed what may be thrown */
function each(
  count: number,
  seed: number,
  allowed: (error: unknown) => boolean,
  run: (mutator: Mutator) => void,
): number {
  let refused = 0;
  for (let number = 0; number < count; number++) {
    try {
      run(new Mutator(seed * 100_000 + number));
    } catch (error) {
      if (!allowed(error)) throw new Error(`case ${number} of seed ${seed}`, { cause: error });
      refused++;
    }
  }
  return refused;
}

const isBadEvidence = (error: unknown) => error instanceof LabError && error.code === 'BAD_EVIDENCE';
/** As the readers of captures throw it; readEvidence makes BAD_EVIDENCE of it. A defect would be a TypeError or a RangeError. */
const isPlain = (error: unknown) => Object.getPrototypeOf(error) === Error.prototype;
/** The kernel's refusal: errno of NLMSG_ERROR. */
const isErrno = (error: unknown) => typeof (error as { errno?: unknown }).errno === 'number';

describe('captures', () => {
  const { frames } = readPcapng(fixture('rebalance', 'capture.pcapng'));
  const few = frames.slice(0, 30);
  const pcap = Buffer.concat([
    pcapHeader(few[0]?.linkType as number),
    ...few.map(({ nanoseconds, data, originalLength }) =>
      pcapRecord({
        seconds: Number(nanoseconds / 1_000_000_000n),
        nanoseconds: Number(nanoseconds % 1_000_000_000n),
        data,
        originalLength,
      }),
    ),
  ]);

  it('pcap: frames lie within the bytes, and what is left over is told', () => {
    const refused = each(3000, 1, isPlain, (mutator) => {
      const bytes = mutator.bytes(pcap);
      const stream = new PcapStream();
      const read = stream.push(bytes);
      const used = 24 + read.reduce((sum, { data }) => sum + 16 + data.length, 0);
      expect(stream.whole).toBe(used === bytes.length);
      for (const { data, linkType } of read) parsePacket(data, linkType);
    });
    expect(refused).toBeGreaterThan(300);
    expect(refused).toBeLessThan(2700);
  });

  it('pcap: in pieces as in one', () => {
    each(300, 2, isPlain, (mutator) => {
      const bytes = mutator.bytes(pcap);
      const whole = new PcapStream().push(bytes);
      const stream = new PcapStream();
      const cut = mutator.below(bytes.length);
      expect([...stream.push(bytes.subarray(0, cut)), ...stream.push(bytes.subarray(cut))]).toEqual(whole);
    });
  });

  it('pcapng', () => {
    const bytes = writePcapng(
      few.map((frame, index) => ({ ...frame, comment: `what frame ${index} shows` })),
      'test',
    );
    const refused = each(3000, 3, isPlain, (mutator) => {
      const mutated = mutator.bytes(bytes);
      const read = readPcapng(mutated);
      expect(read.frames.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThanOrEqual(mutated.length);
      for (const { data, linkType } of read.frames) parsePacket(data, linkType);
    });
    expect(refused).toBeGreaterThan(300);
    expect(refused).toBeLessThan(2700);
  });
});

describe('rows', () => {
  it.each<[string, z.ZodType<unknown>]>([
    ['sockets.ndjson', socketsRow],
    ['flows.ndjson', flowsRow],
    ['events.ndjson', eventsRow],
  ])('%s', (file, schema) => {
    const all = fixture('proxy-close', file).toString('utf8').split('\n');
    const some = Buffer.from(`${all.filter((_, index) => index % 11 === 0).join('\n')}\n`);
    const refused = each(600, 4, isBadEvidence, (mutator) => {
      parseRows(mutator.bytes(some), file, schema);
    });
    expect(refused).toBeGreaterThan(60);
    const rows = parseRows(some, file, schema).rows;
    each(600, 5, isBadEvidence, (mutator) => {
      parseRows(Buffer.from(`${JSON.stringify(mutator.json(mutator.pick(rows)))}\n`), file, schema);
    });
  });
});

describe('run.json', () => {
  const json = fixture('rebalance', 'run.json');
  let evidence: Evidence;
  beforeAll(() => {
    evidence = readEvidence(join(packageRoot, 'test/fixtures/rebalance'));
  });

  it('of other bytes', () => {
    const refused = each(700, 6, isBadEvidence, (mutator) => {
      parseDocument(mutator.bytes(json).toString('utf8'), 'run.json', runRecord);
    });
    expect(refused).toBeGreaterThan(70);
  });

  it('of other values: what is not refused is judged, and the result is one that can be read', async () => {
    const document = JSON.parse(json.toString('utf8')) as RunRecord;
    let judged = 0;
    for (let number = 0; number < 700 && judged < 60; number++) {
      const mutator = new Mutator(700_000 + number);
      try {
        const run = parseDocument(JSON.stringify(mutator.json(document)), 'run.json', runRecord);
        const acts = run.acts.flatMap((record) => {
          const act = evidence.acts.find(({ record: { name } }) => name === record.name) ?? evidence.acts[0];
          const plan = run.plan.acts.find(({ name }) => name === record.name);
          return act && plan ? [{ ...act, record, plan }] : [];
        });
        judged++;
        const result = await judgeRun({ ...evidence, run, acts }, 0);
        expect(resultSchema.safeParse(JSON.parse(JSON.stringify(result))).error?.issues).toBeUndefined();
      } catch (error) {
        const known = error instanceof LabError && ['BAD_EVIDENCE', 'UNKNOWN_NAME'].includes(error.code);
        if (!known) throw new Error(`case ${number}`, { cause: error });
      }
    }
    expect(judged).toBe(60);
  });
});

describe('netlink', () => {
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const u64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return bytes;
  };
  const NESTED = 0x8000;
  const nest = (type: number, ...parts: Buffer[]) => attribute(type | NESTED, Buffer.concat(parts));
  const tuple = (type: number, src: number[], dst: number[], sport: number, dport: number) =>
    nest(
      type,
      nest(1, attribute(1, Buffer.from(src)), attribute(2, Buffer.from(dst))),
      nest(
        2,
        attribute(1, Buffer.from([6])),
        attribute(2, u32(sport).subarray(2)),
        attribute(3, u32(dport).subarray(2)),
      ),
    );
  /** As ctnetlink tells of a flow that ended. */
  const flow = Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    tuple(1, [198, 18, 10, 2], [198, 18, 0, 1], 40_006, 6379),
    tuple(2, [198, 18, 101, 2], [198, 18, 10, 2], 6379, 40_006),
    attribute(3, u32(0x0e)),
    attribute(7, u32(350)),
    nest(4, nest(1, attribute(1, Buffer.from([3])))),
    attribute(12, u32(77)),
    nest(20, attribute(2, u64(1_795_254_520_000_000_000n))),
  ]);
  /** A struct inet_diag_msg of an ESTABLISHED socket, with its tcp_info. */
  const socket = Buffer.concat([Buffer.from([2, 1, 2, 0]), Buffer.alloc(68, 1), attribute(2, Buffer.alloc(104, 2))]);
  const message = (type: number, payload: Buffer) => {
    const bytes = Buffer.alloc((16 + payload.length + 3) & ~3);
    bytes.writeUInt32LE(16 + payload.length, 0);
    bytes.writeUInt16LE(type, 4);
    payload.copy(bytes, 16);
    return bytes;
  };

  it('is read as it is meant', () => {
    expect(parseChange({ type: 258, port: 0, payload: flow }, 5)).toMatchObject({
      event: 'DESTROY',
      id: 77,
      time: 1_795_254_520,
      state: 'ESTABLISHED',
      reason: 'idle-timeout',
      original: { src: '198.18.10.2', sport: 40_006 },
      reply: { src: '198.18.101.2' },
    });
    expect(parseDiag(socket)).toMatchObject({ state: 'ESTABLISHED', timer: { kind: 'keepalive' } });
  });

  it('datagrams', () => {
    const datagram = Buffer.concat([message(256, flow), message(258, flow), message(3, Buffer.alloc(4))]);
    expect(parseDatagram(datagram)).toMatchObject({ done: true, messages: [{ type: 256 }, { type: 258 }] });
    const refused = each(
      3000,
      8,
      (error) => isBadEvidence(error) || isErrno(error),
      (mutator) => {
        const { messages } = parseDatagram(mutator.bytes(datagram));
        for (const each of messages) parseChange(each, 1);
      },
    );
    expect(refused).toBeGreaterThan(300);
  });

  it.each([
    ['flows', flow, (payload: Buffer) => parseEntry({ type: 256, port: 0, payload })],
    ['sockets', socket, parseDiag],
    ['attributes', flow.subarray(4), attributes],
  ])('%s', (_, whole, parse) => {
    each(3000, 9, isBadEvidence, (mutator) => {
      parse(mutator.bytes(whole));
    });
  });

  it.each([
    ['a port of one byte', tuple(1, [1, 2, 3, 4], [1, 2, 3, 4], 1, 2).subarray(0, -4)],
    ['an address of three bytes', tuple(1, [1, 2, 3], [1, 2, 3], 1, 2)],
    ['an attribute longer than its message', Buffer.from([200, 0, 1, 0, 0, 0, 0, 0])],
    ['an attribute without room for its header', Buffer.from([3, 0, 1, 0])],
  ])('refuses %s', (_, part) => {
    const payload = Buffer.concat([flow.subarray(0, 4), tuple(2, [1, 2, 3, 4], [1, 2, 3, 4], 1, 2), part]);
    expect(() => parseEntry({ type: 256, port: 0, payload })).toThrow(/a malformed netlink message/);
  });
});

describe('text', () => {
  const never = () => false;
  it('lines of HAProxy’s log', () => {
    const line = Buffer.from(
      '198.18.10.2:43860 [21/Nov/2026:05:35:25.700] mq_in mq/mq-1 1/0/3012 5206 cD 1/1/0/0/0 0/0 198.18.101.1:54690',
    );
    each(3000, 10, never, (mutator) => {
      const entry = parseProxyLog(mutator.bytes(line).toString('utf8'));
      if (entry) expect(entry.termination).toMatch(/^[A-Za-z-]{2}$/);
    });
    for (const endless of ['1:1', ':1 [x] ', 'a:1 [x] b c/', '/', ' '])
      expect(parseProxyLog(endless.repeat(100_000))).toBeUndefined();
  });

  it('HAProxy’s live sessions', () => {
    const text = fixture('proxy-close', 'flows.ndjson')
      .toString('utf8')
      .split('\n')
      .map((row) => (row === '' ? {} : JSON.parse(row)) as { text?: string })
      .find((row) => row.text !== undefined && parseProxySessions(row.text).length > 1)?.text as string;
    each(500, 11, never, (mutator) => {
      for (const { client } of parseProxySessions(mutator.bytes(Buffer.from(text)).toString('utf8')))
        expect(client).toMatch(/^\d[\d.]*:\d+$/);
    });
  });

  it('the table of IPVS', () => {
    const table = Buffer.from(
      'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\nTCP C6120A02 9C46 C6120001 18EB C6126502 18EB ESTABLISHED     899\n',
    );
    each(3000, 12, never, (mutator) => {
      for (const { id, original } of parseIpvsTable(mutator.bytes(table).toString('utf8')))
        expect([Number.isSafeInteger(id), original.sport <= 0xffff]).toEqual([true, true]);
    });
  });
});
