import { describe, expect, it } from 'vitest';
import type { ActEvidence } from '../../src/evidence/read.ts';
import { copyOfPacket } from '../../src/wire/packets.ts';
import { judgedAct, statusOf } from '../helpers/fixture.ts';

/** Evidence that was changed must change the finding: each line is a way in which a scenario could be wrongly passed. */
const HOUR = 3600;

function remembers(evidence: ActEvidence): void {
  const within = <T extends { state?: string | undefined; expiresIn?: number | undefined }>(flow: T): T => ({
    ...flow,
    expiresIn: flow.state === 'ESTABLISHED' && flow.expiresIn !== undefined ? HOUR : flow.expiresIn,
  });
  evidence.flowEvents = evidence.flowEvents.filter((event) => event.event !== 'DESTROY').map(within);
  evidence.flowTables = evidence.flowTables.map((table) => ({ ...table, flows: table.flows.map(within) }));
}

const withoutPackets = (drop: (packet: ActEvidence['packets'][number]) => boolean) => (evidence: ActEvidence) => {
  evidence.packets = evidence.packets.filter((packet) => !drop(packet));
};

describe('flows-forgotten', () => {
  it('holds where a library tells of its connections seconds after their SYNs, as it does of thousands', async () => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.flowEvents = evidence.flowEvents.map((event) =>
        event.event === 'NEW' && event.time < evidence.record.from + 1 ? { ...event, time: event.time - 5 } : event,
      );
    });
    expect(statusOf(result, 'flows-forgotten')).toBe('pass');
  });
  it('fails when the table says that it would keep the flows for an hour', async () => {
    expect(statusOf(await judgedAct('rebalance', 'broken', remembers), 'flows-forgotten')).toBe('fail');
  });
  it('fails when somebody deleted the flows by hand', async () => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.flowEvents = evidence.flowEvents.map((event) =>
        event.reason === 'idle-timeout' ? { ...event, deletedBy: '77', reason: 'deleted' } : event,
      );
    });
    expect(statusOf(result, 'flows-forgotten')).toBe('fail');
  });
  it('is unknown when connection tracking told nothing', async () => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.flowEvents = [];
    });
    expect(statusOf(result, 'flows-forgotten')).toBe('unknown');
    expect(result.verdict).not.toBe('pass');
  });
});

describe('late-packet-reset', () => {
  it('fails when the RST came from the balancer and a broker was expected', async () => {
    const result = await judgedAct('reset', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'late-packet-reset', params: { by: 'wrong-broker' } }];
    });
    expect(statusOf(result, 'late-packet-reset')).toBe('fail');
  });
  it('fails when the RST came from a broker and the balancer was expected', async () => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'late-packet-reset', params: { by: 'balancer' } }];
    });
    expect(statusOf(result, 'late-packet-reset')).toBe('fail');
  });
  it('fails when nobody answered RST', async () => {
    const result = await judgedAct(
      'rebalance',
      'broken',
      withoutPackets(({ flags }) => flags.includes('R')),
    );
    expect(statusOf(result, 'late-packet-reset')).toBe('fail');
  });
});

describe('survives-the-quiet', () => {
  it('fails when the middlebox was never going to forget', async () => {
    expect(statusOf(await judgedAct('rebalance', 'fixed', remembers), 'survives-the-quiet')).toBe('fail');
  });
  it('fails when the answer came on another connection', async () => {
    expect(
      statusOf(
        await judgedAct('reset-both', 'broken', (evidence) => {
          evidence.plan.expect = [{ check: 'survives-the-quiet', params: {} }];
        }),
        'survives-the-quiet',
      ),
    ).toBe('fail');
  });
  it('is unknown behind a proxy that told nothing of its sessions', async () => {
    const result = await judgedAct('proxy-close', 'fixed', (evidence) => {
      evidence.proxySessions = [];
    });
    expect(statusOf(result, 'survives-the-quiet')).toBe('unknown');
  });
});

describe('zombies', () => {
  it('are not found where the counterparts still exist', async () => {
    const result = await judgedAct('rebalance', 'fixed', (evidence) => {
      evidence.plan.expect = [{ check: 'zombies', params: { at: 'mq', atLeast: 1 } }];
    });
    expect(statusOf(result, 'zombies')).toBe('fail');
  });
  it('are unknown when one of the hosts was not looked at', async () => {
    const result = await judgedAct('rebalance', 'fixed', (evidence) => {
      evidence.samples = evidence.samples.filter(({ host }) => host !== 'mq-2');
    });
    expect(statusOf(result, 'zombies')).toBe('unknown');
  });
  it('are unknown when the sockets were not looked at', async () => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.samples = [];
    });
    expect(statusOf(result, 'zombies')).toBe('unknown');
  });
});

describe('late-packet-dropped', () => {
  it('fails when late packets are answered', async () => {
    const result = await judgedAct('reset', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'late-packet-dropped', params: {} }];
    });
    expect(statusOf(result, 'late-packet-dropped')).toBe('fail');
  });
});

describe('the checks of the black hole tell its acts apart', () => {
  it.each([
    ['broken', 'command-times-out'],
    ['broken', 'socket-timeout-replays'],
    ['command', 'retransmission-gives-up'],
    ['command', 'socket-timeout-replays'],
    ['socket', 'command-times-out'],
    ['socket', 'retransmission-gives-up'],
    ['fixed', 'late-packet-dropped'],
    ['fixed', 'command-times-out'],
  ])('in the act %s, %s fails', async (act, check) => {
    const result = await judgedAct('black-hole', act, (evidence) => {
      evidence.plan.expect = [{ check, params: {} }];
    });
    expect(statusOf(result, check)).toBe('fail');
  });
});

describe('closed-by-proxy', () => {
  it('fails when the log gives another reason than a time-out', async () => {
    const result = await judgedAct('proxy-close', 'broken', (evidence) => {
      for (const { session } of evidence.proxyLog) if (session) session.termination = 'CD';
    });
    expect(statusOf(result, 'closed-by-proxy')).toBe('fail');
  });
  it('fails when a heartbeat kept the sessions', async () => {
    const result = await judgedAct('proxy-close', 'fixed', (evidence) => {
      evidence.plan.expect = [{ check: 'closed-by-proxy', params: {} }];
    });
    expect(statusOf(result, 'closed-by-proxy')).toBe('fail');
  });
});

describe('keepalive-does-not-help', () => {
  it('fails when nobody probed', async () => {
    const result = await judgedAct('proxy-close', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'keepalive-does-not-help', params: {} }];
    });
    expect(statusOf(result, 'keepalive-does-not-help')).toBe('fail');
  });
});

describe('the server behind the lost FIN', () => {
  it('notices nothing without keepalive, and would be reported if it did', async () => {
    const result = await judgedAct('lost-fin', 'fixed', (evidence) => {
      evidence.plan.expect = [{ check: 'server-never-notices', params: { at: 'db' } }];
    });
    expect(statusOf(result, 'server-never-notices')).toBe('fail');
  });
  it('is not said to notice where no socket ended', async () => {
    const result = await judgedAct('lost-fin', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'server-notices', params: { at: 'db' } }];
    });
    expect(statusOf(result, 'server-notices')).toBe('fail');
  });
  it('fails when the socket ended in another second than the kernel promised', async () => {
    const result = await judgedAct('lost-fin', 'fixed', (evidence) => {
      for (const end of evidence.ends) end.time += 2;
    });
    expect(statusOf(result, 'server-notices')).toBe('fail');
  });
  it('fails when the FIN did arrive', async () => {
    const result = await judgedAct('proxy-close', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'fin-eaten', params: {} }];
      evidence.record.steps.push({
        kind: 'action',
        text: 'x',
        actions: [{ host: 'pool', action: 'close', takesAway: 'peer' }],
        from: evidence.record.from,
        to: evidence.record.from,
      });
    });
    expect(statusOf(result, 'fin-eaten')).toBe('fail');
  });
});

describe('reset-at-expiry', () => {
  it('fails when only the sender was reset', async () => {
    const result = await judgedAct('reset', 'broken', (evidence) => {
      evidence.plan.expect = [{ check: 'reset-at-expiry', params: {} }];
    });
    expect(statusOf(result, 'reset-at-expiry')).toBe('fail');
  });
  it('fails when one end kept its socket', async () => {
    const result = await judgedAct('reset-both', 'broken', (evidence) => {
      const [first] = evidence.ends;
      evidence.ends = evidence.ends.filter(({ host }) => host !== first?.host);
    });
    expect(statusOf(result, 'reset-at-expiry')).toBe('fail');
  });
  it('is not misled by a later connection that has the same port and led to another broker', async () => {
    const result = await judgedAct('reset-both', 'broken', (evidence) => {
      const old = evidence.ends.find(({ host }) => host === 'mq-1');
      if (!old) throw new Error('no end at mq-1');
      const socket = { ...old.socket, local: old.socket.local.replace('.101.', '.102.') };
      evidence.ends.push({ ...old, host: 'mq-2', socket, time: old.time + 3600 });
    });
    expect(statusOf(result, 'reset-at-expiry')).toBe('pass');
  });
});

describe('an act whose pool never worked', () => {
  it.each(['rebalance', 'reset', 'reset-both', 'black-hole', 'proxy-close', 'lost-fin'])(
    'of %s is inconclusive, whatever is expected of it',
    async (scenario) => {
      for (const act of ['broken', 'fixed']) {
        const result = await judgedAct(scenario, act, (evidence) => {
          evidence.events = evidence.events.map((event) =>
            event.event === 'reply' ? { ...event, event: 'failed', code: 'EHOSTUNREACH', message: 'no route' } : event,
          );
        });
        expect(result.findings.map(({ status }) => status)).toEqual(result.findings.map(() => 'unknown'));
        expect(result.verdict).toBe('inconclusive');
      }
    },
  );
  it('or whose collectors lost frames, is inconclusive too', async () => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.record.lostEvidence = { frames: ['3 frames on mq-1'], flowEvents: false };
    });
    expect(result.verdict).toBe('inconclusive');
    expect(result.findings[0]?.observed).toContain('lost 3 frames');
  });
  it.each([
    ['the end of a flow is missing', true, 'inconclusive'],
    ['all ends are there', false, 'pass'],
  ])('or lost flow events: %s', async (_, missing, verdict) => {
    const result = await judgedAct('rebalance', 'broken', (evidence) => {
      evidence.record.lostEvidence = { frames: [], flowEvents: true };
      const end = evidence.flowEvents.find(({ reason }) => reason === 'idle-timeout');
      if (missing) evidence.flowEvents = evidence.flowEvents.filter((event) => event !== end);
    });
    expect(result.verdict).toBe(verdict);
  });
});

describe('keepalive-too-late', () => {
  const asked = (dies: 'some' | 'none') => (evidence: ActEvidence) => {
    evidence.plan.expect = [{ check: 'keepalive-too-late', params: { dies } }];
  };
  it('fails when connections died and none should', async () => {
    expect(statusOf(await judgedAct('keepalive-too-late', 'late-250', asked('none')), 'keepalive-too-late')).toBe(
      'fail',
    );
  });
  it('fails when none died and some should', async () => {
    expect(statusOf(await judgedAct('keepalive-too-late', 'safe-250', asked('some')), 'keepalive-too-late')).toBe(
      'fail',
    );
  });
  it('fails when nothing was in danger, for the middlebox would have remembered for hours', async () => {
    const result = await judgedAct('keepalive-too-late', 'safe-250', (evidence) => {
      evidence.flowTables = evidence.flowTables.map((table) => ({
        ...table,
        flows: table.flows.map((flow) => ({ ...flow, expiresIn: 10 * HOUR })),
      }));
    });
    expect(statusOf(result, 'keepalive-too-late')).toBe('fail');
  });
  it('fails when probes are later than a timer of this kernel can be', async () => {
    const result = await judgedAct('keepalive-too-late', 'safe-250', (evidence) => {
      evidence.record.hz = 1000;
      for (const sample of evidence.samples)
        for (const socket of sample.sockets) if (socket.kernel) socket.kernel.idleSeconds = 250;
    });
    expect(statusOf(result, 'keepalive-too-late')).toBe('fail');
  });
  it('fails when a connection died and no late probe explains it', async () => {
    const result = await judgedAct('keepalive-too-late', 'safe-250', (evidence) => {
      asked('some')(evidence);
      const [born] = evidence.flowEvents.filter(({ event }) => event === 'NEW');
      const { from } = evidence.record.steps.find(({ kind }) => kind === 'quiet') as { from: number };
      if (!born) throw new Error('no flow');
      const gone = {
        ...born,
        event: 'DESTROY',
        reason: 'idle-timeout',
        state: 'ESTABLISHED',
        time: from + 400,
      } as const;
      evidence.flowEvents = [...evidence.flowEvents, gone];
    });
    expect(statusOf(result, 'keepalive-too-late')).toBe('fail');
  });
  it('is unknown when the kernel’s HZ is not, or when no probe was seen', async () => {
    const withoutHz = await judgedAct('keepalive-too-late', 'safe-250', (evidence) => {
      delete evidence.record.hz;
    });
    expect(statusOf(withoutHz, 'keepalive-too-late')).toBe('unknown');
    const withoutProbes = await judgedAct(
      'keepalive-too-late',
      'safe-250',
      withoutPackets(({ length, flags }) => length === 0 && flags === 'A'),
    );
    expect(statusOf(withoutProbes, 'keepalive-too-late')).toBe('unknown');
  });
});

describe('client-notices', () => {
  it('fails when the sockets are still there', async () => {
    const result = await judgedAct('two-hours', 'dead', (evidence) => {
      evidence.ends = evidence.ends.filter(({ host }) => host !== 'app');
    });
    expect(statusOf(result, 'client-notices')).toBe('fail');
  });
  it('fails when they ended earlier than their keepalive could end them', async () => {
    const result = await judgedAct('two-hours', 'dead', (evidence) => {
      evidence.ends = evidence.ends.map((end) => ({ ...end, time: end.time - 3 }));
    });
    expect(statusOf(result, 'client-notices')).toBe('fail');
  });
  it('fails when a probe is missing', async () => {
    let first = true;
    const result = await judgedAct('two-hours', 'dead', (evidence) => {
      const { from } = evidence.record.steps.find(({ kind }) => kind === 'observe') as { from: number };
      evidence.packets = evidence.packets.filter((packet) => {
        const probe = packet.host === 'app' && packet.outgoing && packet.time > from + 1 && packet.flags === 'A';
        if (!probe || !first) return true;
        first = false;
        return false;
      });
    });
    expect(statusOf(result, 'client-notices')).toBe('fail');
  });
});

describe('a balancer whose table tells only when looked at (IPVS)', () => {
  it('has forgotten nothing if the entries are there at every look', async () => {
    const result = await judgedAct('ipvs', 'strict', (evidence) => {
      const [first] = evidence.flowTables;
      evidence.flowTables = evidence.flowTables.map((table) => ({ ...table, flows: first?.flows ?? [] }));
    });
    expect(statusOf(result, 'flows-forgotten')).toBe('fail');
    expect(result.verdict).toBe('fail');
  });
  it('did not forget by idleness what had said goodbye', async () => {
    const result = await judgedAct('ipvs', 'strict', (evidence) => {
      const quiet = evidence.record.steps.find(({ kind }) => kind === 'quiet') as { from: number };
      const last = evidence.packets.filter(({ host, time }) => host === 'director' && time < quiet.from + 1).at(-1);
      if (!last) throw new Error('no packet');
      const goodbyes = evidence.packets
        .filter(({ host, time, flags }) => host === 'director' && time < quiet.from && flags === 'PA')
        .map((packet) => ({ ...copyOfPacket(packet), flags: 'FA', time: quiet.from + 1 }));
      evidence.packets = [...evidence.packets, ...goodbyes].sort((a, b) => a.time - b.time);
    });
    expect(statusOf(result, 'flows-forgotten')).not.toBe('pass');
  });
  it('is unknown when nobody looked', async () => {
    const result = await judgedAct('ipvs', 'strict', (evidence) => {
      evidence.flowTables = [];
    });
    expect(statusOf(result, 'flows-forgotten')).toBe('unknown');
  });
  it('the reset was not the director’s if a server made it', async () => {
    const result = await judgedAct('ipvs', 'sloppy', (evidence) => {
      evidence.plan.expect = [{ check: 'late-packet-reset', params: { by: 'balancer' } }];
    });
    expect(statusOf(result, 'late-packet-reset')).toBe('fail');
  });
});

const actionsIn = ({ steps }: ActEvidence['record']) =>
  steps.flatMap((step) => ('actions' in step ? step.actions : []));

describe('how soon a loss was noticed', () => {
  it('is told by the end that is left, not by the sockets of the host that has gone', async () => {
    const { outcome } = await judgedAct('two-hours', 'dead');
    // 4 s, then 2 probes at intervals of 1 s, from the last packet on, which came a second before the loss.
    expect(outcome.detectionSeconds).toBeGreaterThan(4);
    expect(outcome.detectionSeconds).toBeLessThan(7);
  });
  it('whatever the fault is called, for a step says itself what it takes away', async () => {
    const { outcome: before } = await judgedAct('two-hours', 'dead');
    const renamed = await judgedAct('two-hours', 'dead', ({ record }) => {
      for (const action of actionsIn(record)) if (action.takesAway === 'peer') action.action = 'struck-by-lightning';
    });
    expect(renamed.outcome).toEqual(before);
    const harmless = await judgedAct('two-hours', 'dead', ({ record }) => {
      for (const action of actionsIn(record)) action.takesAway = 'nothing';
    });
    expect(harmless.outcome.detectionSeconds).toBeNull();
  });
  it('is not told where nobody noticed', async () => {
    expect((await judgedAct('lost-fin', 'crash')).outcome.detectionSeconds).toBeNull();
  });
});
