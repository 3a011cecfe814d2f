import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { CAPTURE_FILE } from '../../src/evidence/files.ts';
import { readEvidence } from '../../src/evidence/read.ts';
import { judgeFolder } from '../../src/judge/judge.ts';
import { pcapHeader, pcapRecord } from '../../src/wire/pcap.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { RecordedCopy } from '../helpers/recorded-copy.ts';

/** "BAD_EVIDENCE: cannot read …", or how many acts could be read. */
function read(copy: RecordedCopy): string {
  try {
    return `${readEvidence(copy.folder).acts.length} acts`;
  } catch (error) {
    return error instanceof LabError ? `${error.code}: ${error.message}` : `${(error as Error).stack}`;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: it is not as it should be
type Wrong = (row: any) => void;

/** Changes the first row of its kind, and says in which line that is. */
function changeRow(copy: RecordedCopy, file: string, kind: string, change: Wrong): number {
  let at = 0;
  copy.lines(file, (lines) => {
    at = lines.findIndex(
      (line) => line.includes(`"${kind}"`) && !line.includes('"sockets":[]') && !line.includes('"flows":[]'),
    );
    const row = JSON.parse(lines[at] as string);
    change(row);
    return lines.with(at, JSON.stringify(row));
  });
  return at + 1;
}

describe('rows of another shape', () => {
  it.each<[string, string, string, Wrong, string]>([
    ['proxy-close', 'sockets.ndjson', 'sample', (row) => delete row.sockets, 'sockets: Invalid input'],
    ['proxy-close', 'sockets.ndjson', 'sample', (row) => (row.sockets[0].local = 7), 'sockets.0.local: Invalid input'],
    ['proxy-close', 'sockets.ndjson', 'sample', (row) => (row.time = '12'), 'time: Invalid input'],
    ['proxy-close', 'sockets.ndjson', 'sample', (row) => (row.kind = 'other'), 'kind: Invalid discriminator'],
    ['proxy-close', 'sockets.ndjson', 'destroyed', (row) => (row.socket = null), 'socket: Invalid input'],
    ['rebalance', 'flows.ndjson', 'event', (row) => (row.original.sport = 70_000), 'original.sport: Too big'],
    ['rebalance', 'flows.ndjson', 'event', (row) => (row.reply = []), 'reply'],
    ['rebalance', 'flows.ndjson', 'event', (row) => (row.event = 'GONE'), 'event: Invalid option'],
    ['rebalance', 'flows.ndjson', 'table', (row) => (row.flows[0].assured = 'yes'), 'flows.0.assured: Invalid input'],
    ['proxy-close', 'flows.ndjson', 'proxy-sessions', (row) => (row.sessions = {}), 'sessions: Invalid input'],
    ['proxy-close', 'flows.ndjson', 'proxy-log', (row) => (row.session.termination = 1), 'session.termination'],
    ['rebalance', 'events.ndjson', 'connect', (row) => (row.connection = -1), 'connection: Too small'],
    ['rebalance', 'events.ndjson', 'reply', (row) => (row.to = 'somebody'), 'to: Invalid option'],
    ['rebalance', 'events.ndjson', 'connect', (row) => (row.host = '../../etc'), 'host: expected a name'],
    ['rebalance', 'events.ndjson', 'connect', (row) => (row.act = '"><img>'), 'act: expected a name'],
  ])('%s: %s, a %s', (scenario, file, kind, change, problem) => {
    using copy = new RecordedCopy(scenario);
    const line = changeRow(copy, file, kind, change);
    const said = read(copy);
    expect(said.startsWith(`BAD_EVIDENCE: cannot read ${file}:${line}: ${problem}`) ? problem : said).toBe(problem);
  });

  it.each(['[]', '7', 'null', '"text"', '{', 'no JSON', '{"kind":"sample"}'])('%s instead of a row', (row) => {
    using copy = new RecordedCopy('rebalance');
    copy.lines('sockets.ndjson', (lines) => lines.with(4, row));
    expect(read(copy)).toMatch(/^BAD_EVIDENCE: cannot read sockets\.ndjson:5: /);
  });

  it('what a row has beside its own is left out', () => {
    using copy = new RecordedCopy('rebalance');
    copy.lines('events.ndjson', (lines) =>
      lines.map((line) => line.replace(/^\{/, '{"__proto__":{"id":"x"},"more":1,')),
    );
    const [event] = readEvidence(copy.folder).acts[0]?.events ?? [];
    expect([event && 'more' in event, event?.id]).toEqual([false, undefined]);
  });
});

describe('a run.json of another shape', () => {
  it.each<[string, Wrong]>([
    ['acts: Invalid input', (run) => (run.acts = null)],
    ['acts.0.steps: Invalid input', (run) => delete run.acts[0].steps],
    ['acts.0.name: there is no plan', (run) => (run.acts[0].name = 'other')],
    ['acts.0.name: expected a name', (run) => (run.acts[0].name = 'x"></svg><img src=x>')],
    ['acts.0.addresses.', (run) => (run.acts[0].addresses['<b>'] = '198.18.0.1')],
    ['acts.0.lostEvidence: Invalid input', (run) => delete run.acts[0].lostEvidence],
    ['acts.0.from: Invalid input', (run) => (run.acts[0].from = 'now')],
    ['plan: Invalid input', (run) => delete run.plan],
    ['plan.acts: Too small', (run) => Object.assign(run, { acts: [], plan: { ...run.plan, acts: [] } })],
    ['plan.acts: expected acts of different names', (run) => run.plan.acts.push(run.plan.acts[0])],
    ['plan.acts.0.hosts: expected a client', (run) => run.plan.acts[0].hosts.shift()],
    [
      'plan.acts.0.hosts.0.library: expected a name',
      (run) => (run.plan.acts[0].hosts[0].library = '../../evil/payload'),
    ],
    ['plan.acts.0.hosts.0.connections: Too big', (run) => (run.plan.acts[0].hosts[0].connections = 1e9)],
    ['plan.acts.0.hosts.0.role: Invalid discriminator', (run) => (run.plan.acts[0].hosts[0].role = 'king')],
    ['plan.acts.0.expect.0.check: expected a name', (run) => (run.plan.acts[0].expect[0].check = '/tmp/payload')],
    ['plan.acts.0.timeline.0', (run) => (run.plan.acts[0].timeline[0].action = '../payload')],
    [
      'plan.acts.0.timeline.1.seconds: Too big',
      (run) => (run.plan.acts[0].timeline[1] = { kind: 'quiet', seconds: 1e300 }),
    ],
    [
      'plan.acts.0.tuning.app.keepalive.idleSeconds: Too big',
      (run) => (run.plan.acts[0].tuning.app = { keepalive: { idleSeconds: 1e300 } }),
    ],
    [
      'plan.acts.0.productionTuning.app.heartbeatSeconds: Too big',
      (run) => (run.plan.acts[0].productionTuning.app = { heartbeatSeconds: 1e300 }),
    ],
    ['plan.acts.0.productionQuietSeconds: Too big', (run) => (run.plan.acts[0].productionQuietSeconds = 1e300)],
    [
      'plan.acts.0.hosts.1.productionTimers.idleSeconds: Too big',
      (run) => (run.plan.acts[0].hosts[1].productionTimers.idleSeconds = 1e300),
    ],
    ['acts.0.to: Too big', (run) => (run.acts[0].to = 1e300)],
    ['acts.0.hz: Too big', (run) => (run.acts[0].hz = 1e9)],
    ['wallSeconds: Too big', (run) => (run.wallSeconds = 1e300)],
    ['counts.frames: Invalid input', (run) => delete run.counts.frames],
    ['schemaVersion: Invalid input', (run) => (run.schemaVersion = 1)],
  ])('%s', (problem, change) => {
    using copy = new RecordedCopy('rebalance').json('run.json', change);
    const said = read(copy);
    expect(said.startsWith(`BAD_EVIDENCE: cannot read run.json: ${problem}`) ? problem : said).toBe(problem);
  });

  it.each(['', '[]', 'null', '{"schemaVersion":1', '\0'])('%j', (text) => {
    using copy = new RecordedCopy('rebalance').bytes('run.json', () => Buffer.from(text));
    expect(read(copy)).toMatch(/^BAD_EVIDENCE: cannot read run\.json: /);
  });

  it('is BAD_EVIDENCE too where a check does not know what is asked of it', async () => {
    using copy = new RecordedCopy('rebalance').json('run.json', (run) => {
      run.plan.acts[0].expect = [{ check: 'zombies', params: { at: ['mq'], exactly: 'many' } }];
    });
    const said = await judgeFolder(copy.folder).catch((error: LabError) => `${error.code}: ${error.message}`);
    expect(said).toMatch(/^BAD_EVIDENCE: cannot read run\.json: the parameters of zombies in the act broken: at: /);
  });
});

it.each(['sockets.ndjson', 'flows.ndjson', 'events.ndjson', 'run.json'])(
  '%s that is not there is BAD_EVIDENCE',
  (file) => {
    using copy = new RecordedCopy('rebalance');
    rmSync(copy.path(file));
    expect(read(copy)).toMatch(/^BAD_EVIDENCE: cannot read /);
  },
);

/** Statuses of all findings, and what is said to be missing. */
async function judgedCopy(copy: RecordedCopy) {
  const { result, evidence } = await judgeFolder(copy.folder);
  return {
    verdict: result.verdict,
    statuses: [...new Set(result.acts.flatMap(({ findings }) => findings.map(({ status }) => status)))],
    observed: result.acts[0]?.findings[0]?.observed,
    lost: evidence.acts.map(({ record }) => record.lostEvidence),
  };
}

describe('evidence of which a part is missing answers nothing', () => {
  it('the recorded run as it is passes', async () => {
    using copy = new RecordedCopy('rebalance');
    expect(await judgedCopy(copy)).toMatchObject({ verdict: 'pass', statuses: ['pass'] });
  });

  it.each([
    ['the capture ends in the middle of a packet', CAPTURE_FILE, 5],
    ['the capture is empty', CAPTURE_FILE, Number.POSITIVE_INFINITY],
    ['the last row of the sockets is cut off', 'sockets.ndjson', 20],
    ['the last row of the flows is cut off', 'flows.ndjson', 20],
    ['the last row of the events is cut off', 'events.ndjson', 20],
  ])('%s', async (_, file, missing) => {
    using copy = new RecordedCopy('rebalance').bytes(file, (bytes) =>
      bytes.subarray(0, Math.max(0, bytes.length - missing)),
    );
    const { verdict, statuses, observed } = await judgedCopy(copy);
    expect([verdict, statuses]).toEqual(['inconclusive', ['unknown']]);
    expect(observed).toContain(`a part of the evidence is missing: ${file} ends in the middle of a `);
  });

  it.each(['sockets', 'flows', 'events', 'frames'] as const)('fewer %s than were written', async (what) => {
    using copy = new RecordedCopy('rebalance');
    expect((await judgedCopy(copy)).verdict).toBe('pass');
    if (what === 'frames')
      copy.bytes(CAPTURE_FILE, (bytes) => bytes.subarray(0, bytes.length - bytes.readUInt32LE(bytes.length - 4)));
    else copy.lines(`${what}.ndjson`, (lines) => lines.toSpliced(7, 1));
    const { verdict, statuses, observed } = await judgedCopy(copy);
    expect([verdict, statuses]).toEqual(['inconclusive', ['unknown']]);
    expect(observed).toMatch(/holds \d+ (rows|packets), not \d+$/);
  });

  it('a run that does not say how many rows it had can be read, and answers nothing', async () => {
    using copy = new RecordedCopy('rebalance').json('run.json', (run) => delete run.counts);
    copy.lines('sockets.ndjson', (lines) => lines.toSpliced(7, 1));
    const { verdict, statuses, observed } = await judgedCopy(copy);
    expect([verdict, statuses]).toEqual(['inconclusive', ['unknown']]);
    expect(observed).toContain('run.json does not say how many rows and packets there were');
    // The lab itself, which counts what it has just written, misses nothing.
    const [act] = readEvidence(copy.folder, { justRecorded: true }).acts;
    expect(act?.record.lostEvidence.cut).toEqual([]);
  });

  it.each(['NEW', 'DESTROY'])('a %s event of connection tracking', async (event) => {
    using copy = new RecordedCopy('rebalance').lines('flows.ndjson', (lines) =>
      lines.toSpliced(
        lines.findIndex((line) => line.includes(`"event":"${event}"`)),
        1,
      ),
    );
    const { lost, verdict } = await judgedCopy(copy);
    expect(lost.some(({ flowEvents }) => flowEvents)).toBe(true);
    expect(verdict).toBe('inconclusive');
  });
});

/** The captures as the lab leaves them before they are merged: a file an act and a host. */
function unmerge(copy: RecordedCopy): string[] {
  const { frames } = readPcapng(readFileSync(copy.path(CAPTURE_FILE)));
  const { acts } = readEvidence(copy.folder);
  rmSync(copy.path(CAPTURE_FILE));
  return acts.flatMap(({ record }) =>
    Object.keys(record.addresses).map((host) => {
      const file = `${record.name}.${host}.pcap`;
      const mine = frames.filter(
        (frame) => frame.host === host && frame.time >= record.from - 1 && frame.time <= record.to,
      );
      const records = mine.map(({ nanoseconds, data, originalLength }) =>
        pcapRecord({
          seconds: Number(nanoseconds / 1_000_000_000n),
          nanoseconds: Number(nanoseconds % 1_000_000_000n),
          data,
          originalLength,
        }),
      );
      writeFileSync(copy.path(file), Buffer.concat([pcapHeader(mine[0]?.linkType ?? 276), ...records]));
      return file;
    }),
  );
}

describe('captures that are not merged yet', () => {
  it('are read as the merged one', () => {
    using copy = new RecordedCopy('rebalance');
    const before = readEvidence(copy.folder);
    unmerge(copy);
    const after = readEvidence(copy.folder);
    expect(after.acts.map(({ packets }) => packets.length)).toEqual(before.acts.map(({ packets }) => packets.length));
    expect(after.acts[0]?.record.lostEvidence.cut).toEqual([]);
  });

  it.each([
    ['ends in the middle of a packet', (bytes: Buffer) => bytes.subarray(0, bytes.length - 3)],
    ['ends in the middle of a packet', (bytes: Buffer) => bytes.subarray(0, 10)],
    ['ends in the middle of a packet', () => Buffer.alloc(0)],
    // The last record claims to go on; what should have followed is not there.
    [
      'ends in the middle of a packet',
      (bytes: Buffer) =>
        lastRecord(bytes, (record) => {
          record.writeUInt32LE(record.readUInt32LE(8) + 100, 8);
          record.writeUInt32LE(record.readUInt32LE(12) + 100, 12);
        }),
    ],
  ])('one that %s answers nothing', async (problem, change) => {
    using copy = new RecordedCopy('rebalance');
    const [file] = unmerge(copy) as [string];
    copy.bytes(file, change);
    const { verdict, statuses, observed } = await judgedCopy(copy);
    expect([verdict, statuses]).toEqual(['inconclusive', ['unknown']]);
    expect(observed).toContain(`${file} ${problem}`);
  });

  it('one that is not there answers nothing', async () => {
    using copy = new RecordedCopy('rebalance');
    const [file] = unmerge(copy) as [string];
    rmSync(copy.path(file));
    expect((await judgedCopy(copy)).observed).toContain(`${file} is missing`);
  });

  it.each([
    ['a length that no frame has', (record: Buffer) => record.writeUInt32LE(0xffff_fff0, 8)],
    ['more bytes than were on the wire', (record: Buffer) => record.writeUInt32LE(0, 12)],
    ['a time that is none', (record: Buffer) => record.writeUInt32LE(4_000_000_000, 4)],
  ])('one with %s is refused', (_, lie) => {
    using copy = new RecordedCopy('rebalance');
    const [file] = unmerge(copy) as [string];
    copy.bytes(file, (bytes) => lastRecord(bytes, lie));
    expect(read(copy)).toMatch(/^BAD_EVIDENCE: cannot read capture\.pcapng: there is no packet where one should begin/);
  });
});

/** A pcap file whose last record is changed. */
function lastRecord(bytes: Buffer, change: (record: Buffer) => void): Buffer {
  let at = 24;
  for (let next = at; next < bytes.length; next += 16 + bytes.readUInt32LE(next + 8)) at = next;
  change(bytes.subarray(at));
  return bytes;
}
