// Plays cases of the table as the acts of one run, and says of each what was seen.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pace } from '../../src/base/pace.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { EVIDENCE_FILES } from '../../src/evidence/files.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { ActRecord } from '../../src/stage/record.ts';
import { parsePacket } from '../../src/wire/packet.ts';
import { PcapStream } from '../../src/wire/pcap.ts';
import { type Case, type Event, type Played, type Seen, USUAL } from './verb-cases.ts';

export function playVerbs({ engine, pace }: { engine: Engine; pace: Pace }, cases: readonly Case[]): void {
  const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-verbs-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const evidence = join(scratch, 'evidence');

  const textOf = ({ name, hosts = USUAL, paths, timeline }: Case): string =>
    [
      'title: a verb',
      'hosts:',
      ...hosts.map((host) => `  ${host}`),
      ...(paths === undefined ? [] : [`paths: ${paths}`]),
      'timeline:',
      ...timeline.map((step) => `  - ${step}`),
      'acts:',
      `  ${name}:`,
      ...(name === 'tuning'
        ? [
            '    tuning: { web: { keepalive: { idle: 7s }, userTimeout: 9s }, mq: { keepalive: { idle: 8s, interval: 3s, probes: 2 } } }',
          ]
        : []),
      '    expect: [survives-the-quiet]',
      '',
    ].join('\n');

  async function planned(one: Case): Promise<Plan> {
    const file = join(scratch, `${one.name}.yaml`);
    writeFileSync(file, textOf(one));
    return planScenario(file, pace, KNOWN);
  }

  const rows = <T>(file: string): T[] =>
    readFileSync(join(evidence, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);

  function packetsOf(act: string, host: string): Seen[] {
    const frames = new PcapStream().push(readFileSync(join(evidence, `${act}.${host}.pcap`)));
    return frames.flatMap(({ data: bytes, linkType, time }) => {
      const header = parsePacket(bytes, linkType);
      return header ? [{ ...header, time }] : [];
    });
  }

  let problem: unknown;
  let records: ActRecord[] = [];

  function playedOf(name: string): Played {
    const record = records.find((act) => act.name === name);
    if (record === undefined) throw new Error(`${name} was not played: ${JSON.stringify(problem)}`);
    const events = rows<Event>(EVIDENCE_FILES.events).filter(({ act }) => act === name);
    return {
      record,
      sent: (host) => packetsOf(name, host).filter(({ outgoing }) => outgoing),
      got: (host) => packetsOf(name, host).filter(({ outgoing }) => !outgoing),
      events: (host, event) => events.filter((each) => each.host === host && each.event === event),
      ledger: (host) =>
        events.filter((each) => each.host === host && each.event === 'ledger').flatMap(({ ids = [] }) => ids),
      began: (step) => record.steps[step]?.from ?? Number.NaN,
    };
  }

  beforeAll(async () => {
    const plans = await Promise.all(cases.map(planned));
    const plan = { ...(plans[0] as Plan), acts: plans.flatMap(({ acts }) => acts) };
    const { signal } = new AbortController();
    await using staged = await engine.run(plan, join(scratch, 'run'), { onMessage: () => {}, signal });
    records = staged.acts;
    problem = staged.problem;
    // What lies where it was recorded goes with the engine.
    renameSync(join(scratch, 'run'), evidence);
  });

  describe('a verb, seen in packets', () => {
    it.each(cases.map((one) => [one.it, one] as const))('%s', (_, { name, see }) => see(playedOf(name)));

    it('tunes the sockets of both sides as asked, and leaves the rest to the kernel', () => {
      const kernel = rows<{ act: string; host: string; sockets?: { state: string; kernel?: object }[] }>(
        EVIDENCE_FILES.sockets,
      )
        .filter(({ act, sockets }) => act === 'tuning' && sockets !== undefined)
        .flatMap(({ host, sockets = [] }) =>
          sockets.filter(({ state }) => state === 'ESTABLISHED').map((socket) => [host, socket.kernel]),
        );
      const options = { keepalive: true, userTimeoutMs: 0 };
      expect(kernel).toContainEqual([
        'web',
        expect.objectContaining({ ...options, idleSeconds: 7, intervalSeconds: 75, probes: 9, userTimeoutMs: 9000 }),
      ]);
      expect(kernel).toContainEqual([
        'mq',
        expect.objectContaining({ ...options, idleSeconds: 8, intervalSeconds: 3, probes: 2 }),
      ]);
    });
  });
}
