import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_HZ } from '../../../src/base/hz.ts';
import { Slots } from '../../../src/base/slots.ts';
import { runScenario } from '../../../src/cli/run-scenario.ts';
import { virtual } from '../../../src/engines/virtual/engine.ts';
import { readEvidence } from '../../../src/evidence/read.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import { kernelsBuilt } from '../../helpers/kernels.ts';

const scenario = (ip: string) => `# Packets late, lost and doubled on the links of a firewall.
title: Impaired
ip: ${ip}
hosts:
  web: { client: tcp }
  fw: { middlebox: firewall, idleTimeout: 60s }
  mq: { server: tcp }
paths:
  - [web, fw, mq]
timeline:
  - web: connect
  - web: request
  - mq: { delay: { by: 200ms } }
  - web: request
  - mq: mend
  - web: { lose: { packets: 1, kind: data } }
  - web: request
  - web: mend
  - web: { duplicate: { packets: 1 } }
  - web: request
  - observe: 1s
acts:
  only:
    expect:
      - flows-forgotten
`;

const PORT = 7000;

describe.runIf(kernelsBuilt).each(['v4', 'v6'])('packets on their way, in virtual time, under %s', (ip) => {
  const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-impaired-'));
  /** Requests, by the moments at which each was seen: where, in which direction. */
  let seen: (host: string, outgoing: boolean) => number[][];
  beforeAll(async () => {
    const file = join(scratch, 'impaired.yaml');
    writeFileSync(file, scenario(ip));
    const { folder } = await runScenario(await planScenario(file, 'production', KNOWN), {
      engine: virtual(DEFAULT_HZ, new Slots(1)),
      runsFolder: scratch,
      onMessage: () => {},
      signal: new AbortController().signal,
    });
    const toServer = (readEvidence(folder).acts[0]?.packets ?? []).filter(
      ({ dport, length }) => dport === PORT && length > 0,
    );
    const numbers = [...new Set(toServer.map(({ seq }) => seq))];
    seen = (host, outgoing) =>
      numbers.map((seq) =>
        toServer
          .filter((packet) => packet.seq === seq && packet.host === host && packet.outgoing === outgoing)
          .map(({ time }) => time),
      );
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const [PLAIN, LATE, LOST, TWICE] = [0, 1, 2, 3] as const;
  const counts = (request: number) =>
    [
      ['web', true],
      ['fw', false],
      ['fw', true],
      ['mq', false],
    ].map(([host, outgoing]) => seen(host as string, outgoing as boolean)[request]?.length);

  it('one that nothing happens to is seen once everywhere', () => expect(counts(PLAIN)).toEqual([1, 1, 1, 1]));
  it('a delayed one reaches the host exactly so much later than it left its neighbour', () => {
    const [left] = seen('fw', true)[LATE] as [number];
    const [came] = seen('mq', false)[LATE] as [number];
    expect(came - left).toBeCloseTo(0.2, 3);
    const [before] = seen('web', true)[LATE] as [number];
    expect(left - before).toBeLessThan(0.1);
  });
  it('a lost one left, did not arrive, and was sent again', () => expect(counts(LOST)).toEqual([2, 1, 1, 1]));
  it('a doubled one left once and arrives twice, there and behind', () => expect(counts(TWICE)).toEqual([1, 2, 2, 2]));
});
