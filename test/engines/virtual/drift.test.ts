import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Slots } from '../../../src/base/slots.ts';
import { runScenario } from '../../../src/cli/run-scenario.ts';
import { virtual } from '../../../src/engines/virtual/engine.ts';
import { type ActEvidence, readEvidence } from '../../../src/evidence/read.ts';
import { ActFacts } from '../../../src/judge/facts.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { granuleSeconds } from '../../../src/model/timer-wheel.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import { kernelsBuilt } from '../../helpers/kernels.ts';

const HZ = 250;
const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-drift-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const scenario = (middlebox: string, tuning: string) => `title: Timers
hosts:
  pool: { client: ioredis, connections: 3 }
  box: { middlebox: ${middlebox} }
  mq: { broker: redis }
timeline:
  - pool: connect
  - pool: request
  - quiet: 1h
acts:
  only:
    tuning: { pool: { ${tuning} }, mq: { keepalive: off } }
    expect: [{ zombies: { at: mq, exactly: 0 } }]
`;

async function play(name: string, text: string): Promise<ActEvidence> {
  const file = join(scratch, `${name}.yaml`);
  writeFileSync(file, text);
  const { folder } = await runScenario(await planScenario(file, 'production', KNOWN), {
    engine: virtual(HZ, new Slots(1)),
    runsFolder: scratch,
    onMessage: () => {},
    signal: new AbortController().signal,
  });
  return readEvidence(folder, { justRecorded: true }).acts[0] as ActEvidence;
}

/** Within 1 % of what was asked for, and never early; what kernel timers are late by their granule comes on top. */
function expectOnTime(what: string, seconds: readonly number[], nominal: number, granule = 0): void {
  expect({ what, measured: seconds.length > 0 }).toEqual({ what, measured: true });
  for (const each of seconds) {
    const onTime = each >= nominal * 0.99 && each <= nominal * 1.01 + granule;
    expect({ what, nominal, seconds: each, onTime }).toEqual({ what, nominal, seconds: each, onTime: true });
  }
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, index) => time - (times[index] as number));

describe.runIf(kernelsBuilt)('on the lab’s clock, no timer drifts:', () => {
  it('Node’s timers, an hour of quiet, and keepalive probes', async () => {
    const act = await play('keepalive', scenario('l4-drop', 'keepalive: { idle: 100s }, heartbeat: 600s'));
    const quiet = act.record.steps.find(({ kind }) => kind === 'quiet');
    expectOnTime('setTimeout, an hour', [(quiet?.to ?? 0) - (quiet?.from ?? 0)], 3600);
    const beats = act.events.filter(({ event, connection }) => event === 'heartbeat' && connection === 0);
    expectOnTime('setInterval', gaps(beats.map(({ time }) => time)), 600);
    const facts = new ActFacts(act);
    const first = facts.pool.map(({ local }) => {
      const heard = facts.segments.filter(
        (segment) => segment.host === 'pool' && !segment.outgoing && `${segment.dst}:${segment.dport}` === local,
      );
      const probe = facts.probes.find(({ first }) => `${first.src}:${first.sport}` === local)?.first;
      return (probe?.time ?? 0) - (heard.filter(({ time }) => time < (probe?.time ?? 0)).at(-1)?.time ?? 0);
    });
    expectOnTime('keepalive probe', first, 100, granuleSeconds(100, HZ));
  });

  it('connection tracking’s expiry', async () => {
    const act = await play('conntrack', scenario('l4-drop', 'keepalive: off'));
    const facts = new ActFacts(act);
    // What the table says of the time that is left shrinks as the clock goes.
    const lives = facts.pool.map((connection) => facts.flowOf(connection, 'box'));
    expectOnTime(
      'patience, as the table tells',
      lives.map((life) => life?.patienceSeconds ?? 0),
      350,
    );
    const lastPacket = Math.max(...act.packets.filter(({ host }) => host === 'box').map(({ time }) => time));
    // The lab looks 0.7 s after the time.
    expectOnTime(
      'conntrack expiry',
      lives.map((life) => (life?.destroyed?.time ?? 0) - lastPacket),
      350,
      1,
    );
  });

  it('HAProxy’s time-out, by its own log', async () => {
    const act = await play('haproxy', scenario('haproxy', 'keepalive: off'));
    const idle = act.proxyLog.flatMap(({ session }) =>
      session && /^[cs]D$/.test(session.termination) ? [session.totalSeconds] : [],
    );
    expectOnTime('timeout client', idle, 60);
  });
});
