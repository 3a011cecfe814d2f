import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LabError } from '../../src/base/errors.ts';
import { KNOWN } from '../../src/judge/known.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import type { ActPlan } from '../../src/plan/plan.ts';
import { playAct } from '../../src/stage/director.ts';
import type { Message } from '../../src/stage/record.ts';
import { FakeLab, willingAgent } from '../helpers/fake-lab.ts';

const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-director-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let runs = 0;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const HOSTS = [
  'web: { client: tcp, connections: 2 }',
  'nlb: { middlebox: aws-nlb, idleTimeout: 30s }',
  'mq: { server: tcp }',
];

async function actOf(
  timeline: readonly string[],
  hosts: readonly string[] = HOSTS,
  more: readonly string[] = [],
): Promise<ActPlan> {
  const file = join(scratch, `mine-${++runs}.yaml`);
  const text = [
    'title: t',
    'hosts:',
    ...hosts.map((host) => `  ${host}`),
    ...more,
    'timeline:',
    ...timeline.map((step) => `  - ${step}`),
  ];
  writeFileSync(file, `${text.join('\n')}\nacts:\n  act:\n    expect: [survives-the-quiet]\n`);
  return (await planScenario(file, 'compressed', KNOWN)).acts[0] as ActPlan;
}

interface Row {
  host: string;
  time: number;
  event?: string;
  label?: string;
  kind?: string;
  gone?: boolean;
  ids?: string[];
  text?: string;
}

interface Playing {
  lab: FakeLab;
  messages: Message[];
  /** Lets time pass until the act is over. @returns its record */
  end(): ReturnType<typeof playAct>;
  rows(file: 'events' | 'sockets' | 'flows'): Row[];
}

/** Begins to play; nothing happens until time passes. */
function play(act: ActPlan, options: { clockJumps?: boolean; signal?: AbortSignal; lab?: FakeLab } = {}): Playing {
  const { clockJumps = false, signal, lab = new FakeLab(act.hosts.map(({ name }) => name)) } = options;
  const folder = join(scratch, `run-${runs}`);
  const messages: Message[] = [];
  let over = false;
  const played = playAct(
    { lab, clockJumps, ...(signal ? { signal } : {}) },
    act,
    folder,
    (message) => messages.push(message),
    {},
  );
  played
    .catch(() => {})
    .finally(() => {
      over = true;
    });
  return {
    lab,
    messages,
    async end() {
      for (let passed = 0; !over && passed < 3_600_000; passed += 50) {
        await vi.advanceTimersByTimeAsync(50);
        // Programs speak by streams, which take turns of their own.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return played;
    },
    rows: (file) =>
      readFileSync(join(folder, `${file}.ndjson`), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row),
  };
}

const failureOf = async (playing: Playing): Promise<LabError> =>
  playing.end().then(
    () => {
      throw new Error('it was played to its end');
    },
    (error) => {
      if (error instanceof LabError) return error;
      throw error;
    },
  );

describe('an act', () => {
  it('plays its steps one after another, and says so while it does', async () => {
    const playing = play(await actOf(['web: connect', 'web: request', 'quiet: 2s', 'web: close']));
    const { steps } = await playing.end();
    expect(steps.map(({ kind, text }) => [kind, text])).toEqual([
      ['action', 'web opens 2 connections'],
      ['action', 'web sends a command on each of its 2 connections'],
      ['quiet', 'quiet for 2.0 s'],
      ['action', 'web closes each of its 2 connections'],
    ]);
    for (const [index, { from, to }] of steps.entries()) {
      expect(to).toBeGreaterThanOrEqual(from);
      expect(from).toBeGreaterThanOrEqual(steps[index - 1]?.to ?? 0);
    }
    expect(playing.messages.map((message) => message.type === 'step' && message.text)).toEqual(
      steps.map(({ text }) => text),
    );
  });

  it('begins actions that belong together at once, and ends the step with the last', async () => {
    const playing = play(
      await actOf(['web: connect', 'together: [{ web: { request: { times: 3, every: 2s } } }, { mq: rest }]']),
    );
    const { steps } = await playing.end();
    const [, together] = steps;
    expect(together?.text).toContain('; at once ');
    expect((together?.to ?? 0) - (together?.from ?? 0)).toBeGreaterThanOrEqual(4);
    const asked = playing
      .rows('events')
      .filter(({ event }) => event === 'request')
      .map(({ time }) => time - (together?.from ?? 0));
    expect(asked.map((time) => Math.round(time))).toEqual([0, 0, 2, 2, 4, 4]);
  });

  it('waits no shorter than planned where the clock of its hosts is behind that of timers', async () => {
    const act = await actOf(['quiet: 5s', 'observe: 3s']);
    const playing = play(act);
    await vi.advanceTimersByTimeAsync(1000);
    playing.lab.behindSeconds = 0.4;
    const { steps } = await playing.end();
    for (const step of steps) if ('seconds' in step) expect(step.to - step.from).toBeGreaterThanOrEqual(step.seconds);
  });

  it('looks after the expiry of every box on every path, of both of its sides, and of its longest life', async () => {
    const act = await actOf(
      ['quiet: 100s'],
      [
        'web: { client: tcp }',
        'batch: { client: tcp }',
        'nat: { middlebox: firewall, idleTimeout: 20s }',
        'nlb: { middlebox: aws-nlb, idleTimeout: 30s, life: 90s }',
        'lb: { middlebox: l4-drop, idleTimeout: 40s }',
        'mq: { server: tcp }',
      ],
      ['paths: [[web, nat, nlb, mq], [batch, lb, mq]]'],
    );
    const box = act.hosts.find(({ name }) => name === 'lb');
    if (box?.role === 'middlebox') box.timers.sides = { clientSeconds: 50, serverSeconds: 60 };
    const playing = play(act);
    const { steps } = await playing.end();
    const from = steps[0]?.from ?? 0;
    const seen = playing
      .rows('sockets')
      .filter(({ host }) => host === 'web')
      .map(({ time }) => time - from);
    for (const expiry of [20, 30, 40, 50, 60, 90]) {
      const next = Math.min(...seen.filter((time) => time > expiry));
      expect(next - expiry, `a look soon after ${expiry} s`).toBeLessThan(1);
    }
    expect(seen.filter((time) => time < 1)).toHaveLength(1);
  });

  it('writes a row for every host at every look, and the end’s ledgers', async () => {
    const playing = play(await actOf(['web: connect', 'quiet: 1s']));
    const { looks } = await playing.end();
    const labels = new Set(playing.rows('sockets').map(({ label }) => label));
    expect([...labels]).toEqual(['quiet begins', 'quiet ends', 'the end']);
    for (const host of ['web', 'nlb', 'mq'])
      expect(playing.rows('sockets').filter((row) => row.host === host)).toHaveLength(3);
    expect(
      playing
        .rows('flows')
        .filter(({ kind }) => kind === 'table')
        .map(({ host }) => host),
    ).toEqual(['nlb', 'nlb', 'nlb']);
    expect(looks).toHaveLength(3);
    expect(
      playing
        .rows('events')
        .filter(({ event }) => event === 'ledger')
        .map(({ host }) => host),
    ).toEqual(['mq']);
  });

  it('asks no ledger of a host that has lost its power, and looks at nothing on it', async () => {
    const playing = play(await actOf(['web: connect', 'mq: crash', 'observe: 1s']));
    await playing.end();
    expect(playing.rows('events').filter(({ event }) => event === 'ledger')).toEqual([]);
    const last = playing
      .rows('sockets')
      .filter(({ host }) => host === 'mq')
      .at(-1);
    expect(last).toMatchObject({ label: 'the end', gone: true });
    expect(playing.lab.host('mq').told.slice(-1)).toEqual(['links down']);
  });

  it('starts the programs of a host again that has lost them, and watches over the new ones', async () => {
    const act = await actOf([
      'web: connect',
      'mq: reboot',
      'web: reboot',
      'web: connect',
      'web: request',
      'quiet: 60s',
    ]);
    const playing = play(act);
    await vi.advanceTimersByTimeAsync(10_000);
    const { lab } = playing;
    expect(lab.host('mq').gone).toBe(false);
    expect(lab.host('mq').told).toEqual([
      ...['spawn services/server/tcp', 'links down', 'run sh -c kill -s STOP -- -1', 'drop sockets'],
      ...['spawn services/server/tcp', 'links up'],
    ]);
    lab.host('mq').processes.at(-1)?.process.end({ code: 3 });
    expect((await failureOf(playing)).message).toMatch(/the tcp server on mq died.*exit code 3/);
    // Ids stay different when an agent starts again.
    expect(playing.rows('events').filter(({ event }) => event === 'request')).toHaveLength(2);
  });

  it('parks servers that only serve while clocks jump: not while they are frozen, and again when they have started again', async () => {
    const act = await actOf(
      ['mq: freeze', 'observe: 1s', 'mq: thaw', 'observe: 1s', 'mq: reboot', 'observe: 1s'],
      ['web: { client: ioredis }', 'nlb: { middlebox: aws-nlb }', 'mq: { server: redis }'],
    );
    const playing = play(act, { clockJumps: true });
    const seen: [string, number][] = [];
    const tell = playing.messages.push.bind(playing.messages);
    playing.messages.push = (...messages) => {
      for (const message of messages)
        if (message.type === 'step') seen.push([message.text, playing.lab.watch.parked.size]);
      return tell(...messages);
    };
    await playing.end();
    expect(seen.map(([, parked]) => parked)).toEqual([1, 0, 0, 1, 1, 1]);
    const [first, second] = playing.lab.host('mq').processes.map(({ process }) => process.pid);
    expect([...playing.lab.watch.parked]).toEqual([second]);
    expect(first).not.toBe(second);
  });
});

describe('an act ends', () => {
  it('with STEP_FAILED where a step takes too long, and says what was waited for', async () => {
    const act = await actOf(['web: connect', 'web: request']);
    const lab = new FakeLab(act.hosts.map(({ name }) => name));
    const willing = willingAgent(lab);
    lab.programs['services/client/agent'] = {
      ...willing,
      hear: (line, say) => {
        if (!line.includes('"do":"request"')) willing.hear?.(line, say);
      },
    };
    const playing = play(act, { lab });
    const failure = await failureOf(playing);
    expect(failure.code).toBe('STEP_FAILED');
    expect(failure.message).toMatch(/^answering 2 commands took more than 10/);
    expect(playing.lab.watch.told).toEqual(['start', 'stop']);
  });

  it('with STEP_FAILED where a host cannot do now what it is told', async () => {
    const act = await actOf(['web: connect', 'web: close-unread']);
    const lab = new FakeLab(act.hosts.map(({ name }) => name));
    const willing = willingAgent(lab);
    lab.programs['services/client/agent'] = {
      ...willing,
      hear: (line, say) => {
        const command = JSON.parse(line);
        if (command.do === 'perform')
          say(
            JSON.stringify({
              time: 1,
              event: 'performed',
              token: command.token,
              problem: 'connection 0: nothing has come',
            }),
          );
        else willing.hear?.(line, say);
      },
    };
    const failure = await failureOf(play(act, { lab }));
    expect([failure.code, failure.message]).toEqual([
      'STEP_FAILED',
      'web cannot close-unread: connection 0: nothing has come',
    ]);
  });

  it.each([
    ['before all are up', 0, 'exit code 7'],
    ['in a wait', 5000, 'exit code 7'],
  ])('with SERVICE_DIED where a program dies %s', async (_, afterMs, how) => {
    const act = await actOf(['quiet: 60s']);
    const lab = new FakeLab(act.hosts.map(({ name }) => name));
    // One that never becomes ready keeps the others waiting.
    if (afterMs === 0) lab.programs['services/client/agent'] = {};
    const playing = play(act, { lab });
    await vi.advanceTimersByTimeAsync(afterMs);
    await new Promise((resolve) => setImmediate(resolve));
    const began = performance.now();
    lab.host('mq').processes[0]?.process.end({ code: 7 });
    const failure = await failureOf(playing);
    expect(failure.code).toBe('SERVICE_DIED');
    expect(failure.message).toContain(how);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(lab.watch.told).toEqual(['start', 'stop']);
  });

  it('where what watches its packets fails', async () => {
    const playing = play(await actOf(['quiet: 60s']));
    await vi.advanceTimersByTimeAsync(1000);
    playing.lab.watch.fail(new LabError('NO_NETWORK', 'cannot watch', 'nothing'));
    expect((await failureOf(playing)).code).toBe('NO_NETWORK');
  });

  it('at a signal, with its reason, and waits no more', async () => {
    const stop = new AbortController();
    const playing = play(await actOf(['quiet: 3000s']), { signal: stop.signal });
    await vi.advanceTimersByTimeAsync(1000);
    stop.abort(new LabError('STEP_FAILED', 'enough', 'nothing'));
    expect((await failureOf(playing)).message).toBe('enough');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('before anything starts where it wants a kernel of another HZ', async () => {
    const act = await actOf(['quiet: 1s']);
    act.hz = 1000;
    const playing = play(act);
    expect((await failureOf(playing)).code).toBe('WRONG_KERNEL');
    expect(playing.lab.watch.told).toEqual([]);
  });
});
