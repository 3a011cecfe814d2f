import { describe, expect, it } from 'vitest';
import type { ActEvidence } from '../../src/evidence/read.ts';
import type { ActResult } from '../../src/judge/result.ts';
import { judgedAct } from '../helpers/fixture.ts';

// A recorded chain: web speaks through a firewall, a network balancer and a proxy, batch through the last two. The balancer
// forgets web's flows; batch probes.
const judged = (change?: (evidence: ActEvidence) => void) => judgedAct('chain', 'broken', change);

const statuses = ({ findings }: ActResult) =>
  findings.map(({ id, params, status }) => `${id} ${params.client ?? params.at}: ${status}`);
const ask =
  (...expect: ActEvidence['plan']['expect']) =>
  (evidence: ActEvidence) => {
    evidence.plan.expect = expect;
  };
const forgets = (params: object) => ask({ check: 'flows-forgotten', params: { ...params } });

describe('a chain of three boxes', () => {
  it('is judged by client and by host', async () => {
    const act = await judged();
    expect(act.verdict).toBe('pass');
    expect(act.outcome.clients).toMatchObject({
      web: { requestsAfterQuiet: { ok: 0, reset: 2 }, replayed: 2 },
      batch: { requestsAfterQuiet: { ok: 2, reset: 0 }, replayed: 0 },
    });
    expect(act.outcome.hosts).toMatchObject({
      web: { zombies: 0, probesSent: 0 },
      fw: { zombies: 0 },
      nlb: { zombies: 0 },
      proxy: { zombies: 2, role: 'middlebox' },
      'mq-1': { zombies: 0 },
      'mq-2': { zombies: 0 },
    });
    expect(act.outcome.hosts.batch?.probesSent).toBeGreaterThan(0);
  });

  it('has a ladder for each path, with its hosts in their order', async () => {
    const { ladders } = await judged();
    const hosts = ladders.map(({ lanes }) => lanes.map(({ host }) => host).filter((host) => !host.startsWith('mq')));
    expect(hosts).toEqual([
      ['web', 'fw', 'nlb', 'proxy'],
      ['batch', 'nlb', 'proxy'],
    ]);
    for (const { rows, lanes } of ladders)
      for (const row of rows)
        if (row.kind === 'packet')
          for (const host of [row.from, row.to]) expect(lanes.map((lane) => lane.host)).toContain(host);
  });

  it('tells which box forgot, who sent the RST, and whom nobody told', async () => {
    const { findings } = await judged();
    expect(findings.find(({ id }) => id === 'flows-forgotten')?.title).toContain('nlb dropped 2 idle flows');
    const reset = findings.find(({ id }) => id === 'late-packet-reset');
    expect(reset?.observed).toContain('reset by 2× nlb; never told: 2× proxy');
    expect(reset?.remedy[0]?.where).toContain('nlb 3.0 s, fw 60.0 s: the shortest decides');
  });

  it('asks a box that remembers, and says no', async () => {
    expect(statuses(await judged(forgets({ client: 'web', box: 'fw' })))).toEqual(['flows-forgotten web: fail']);
    expect(statuses(await judged(forgets({ client: 'batch' })))).toEqual(['flows-forgotten batch: fail']);
  });
});

describe('no verdict on a chain is wrong when the evidence is changed', () => {
  it.each<[string, (evidence: ActEvidence) => void, string[]]>([
    [
      'the boxes are swapped in what they told',
      (evidence) => {
        const swap: Record<string, string> = { fw: 'nlb', nlb: 'fw' };
        for (const row of [...evidence.flowEvents, ...evidence.flowTables]) row.host = swap[row.host] ?? row.host;
      },
      ['flows-forgotten web: unknown', 'late-packet-reset web: fail', 'survives-the-quiet batch: unknown'],
    ],
    [
      'the balancer told nothing',
      (evidence) => {
        evidence.flowEvents = evidence.flowEvents.filter(({ host }) => host !== 'nlb');
        evidence.flowTables = evidence.flowTables.filter(({ host }) => host !== 'nlb');
      },
      [
        'flows-forgotten web: unknown',
        'survives-the-quiet batch: unknown',
        'zombies proxy: unknown',
        'zombies web: unknown',
      ],
    ],
    [
      'nobody ever forgot',
      (evidence) => {
        evidence.flowEvents = evidence.flowEvents.filter(({ event }) => event !== 'DESTROY');
      },
      ['flows-forgotten web: fail', 'late-packet-reset web: fail'],
    ],
    [
      'the RST came from the firewall',
      (evidence) => {
        evidence.packets = evidence.packets.filter(
          ({ flags, host }) => !flags.includes('R') || (host !== 'nlb' && host !== 'proxy'),
        );
      },
      ['late-packet-reset web: fail'],
    ],
    [
      'the proxy was not looked at',
      (evidence) => {
        evidence.samples = evidence.samples.filter(({ host }) => host !== 'proxy');
      },
      ['zombies proxy: unknown', 'zombies mq: unknown', 'zombies web: unknown'],
    ],
    [
      'batch’s agent told nothing',
      (evidence) => {
        evidence.events = evidence.events.filter(({ host }) => host !== 'batch');
      },
      ['survives-the-quiet batch: unknown'],
    ],
    [
      'a part is missing',
      (evidence) => {
        evidence.record.lostEvidence.cut = ['a row'];
      },
      ['flows-forgotten web: unknown', 'late-packet-reset web: unknown', 'survives-the-quiet batch: unknown'],
    ],
  ])('%s', async (_, change, expected) => {
    const act = await judged(change);
    expect(statuses(act)).toEqual(expect.arrayContaining(expected));
    expect(act.verdict).not.toBe('pass');
  });

  it('without an agent the connections are those of the packets', async () => {
    const act = await judged((evidence) => {
      evidence.events = evidence.events.filter(({ host }) => host !== 'web');
      evidence.plan.expect = [
        { check: 'flows-forgotten', params: { client: 'web' } },
        { check: 'late-packet-reset', params: { client: 'web', by: 'box' } },
        { check: 'zombies', params: { at: 'proxy', exactly: 2 } },
      ];
    });
    expect(statuses(act)).toEqual([
      'flows-forgotten web: pass',
      'late-packet-reset web: unknown',
      'zombies proxy: pass',
    ]);
  });
});

describe('the timeline of a chain', () => {
  /** Lets the quiet end after so many seconds, in the plan and as it was played. */
  const quietOf = (planned: number, played: number) => (evidence: ActEvidence) => {
    const { steps } = evidence.record;
    const at = steps.findIndex(({ kind }) => kind === 'quiet');
    const step = evidence.plan.timeline[at];
    if (step?.kind !== 'quiet') throw new Error('no quiet');
    step.seconds = planned;
    const later = played - ((steps[at]?.to ?? 0) - (steps[at]?.from ?? 0));
    for (const [index, each] of steps.entries()) {
      if (index > at) each.from += later;
      if (index >= at) each.to += later;
      if (each.kind === 'quiet') each.seconds = planned;
    }
    evidence.record.to += later;
  };
  const crossed = (act: ActResult) =>
    act.deviations.flatMap((deviation) =>
      deviation.kind === 'crossed-timeout' ? [`${deviation.client} at ${deviation.box}`] : [],
    );

  it('is not as planned when a silence crosses the timeout of any box, for each client on its own path', async () => {
    expect(crossed(await judged(quietOf(2.5, 4)))).toEqual(['web at nlb', 'batch at nlb']);
    expect(crossed(await judged(quietOf(50, 62)))).toEqual(['web at fw']);
    expect(crossed(await judged(quietOf(10, 20)))).toEqual([]);
  });

  it('does not end a client’s silence with another client’s request', async () => {
    const act = await judged((evidence) => {
      quietOf(2.5, 4)(evidence);
      const evening = evidence.plan.timeline[3];
      if (evening?.kind !== 'together') throw new Error('no requests after the quiet');
      // Only batch speaks after the quiet: web is silent until the act's end.
      evening.steps = evening.steps.filter(({ host }) => host === 'batch');
      const played = evidence.record.steps[3];
      if (played !== undefined && 'actions' in played)
        played.actions = played.actions.filter(({ host }) => host === 'batch');
    });
    expect(crossed(act)).toEqual(['batch at nlb']);
  });
});
