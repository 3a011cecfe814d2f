// Measures trials on a lab that is up: one connection for each, all at the same time; the middlebox gives each its own patience,
// the path loses what each is to lose, and the kernel tells what it made of the options.

import { sleep } from '../../base/timers.ts';
import { losingSide, type Side } from '../../model/predict.ts';
import type { Outcome, Trial } from '../../plan/trial.ts';
import { TOO_LATE_SECONDS } from '../../talk/lateness.ts';
import { lineOf } from '../../talk/lines.ts';
import { type ListenerCommand, type ListenerPort, listenerEventSchema } from '../../talk/listener.ts';
import type { SocketWish } from '../../talk/socket-wish.ts';
import { type SwarmCommand, type SwarmDone, type SwarmTask, swarmEventSchema } from '../../talk/swarm.ts';
import type { Lab, LabHost, LabProcess } from '../lab.ts';
import type { ManyPlayer, ManyPlaying, ManyPort } from '../many.ts';
import { changeLoss, loseSet, renderLosses } from '../rules/many-rules.ts';
import { changeSeconds, type Moments, momentsOf } from './schedule.ts';

const FIRST_PORT = 10_000;
const START_SECONDS = 60;
const READY = /"event":"ready"/;
const LISTENING = /"event":"listening"/;
/** From the last word of either side to the judgement that the other has heard nothing. */
export const ZOMBIE_SECONDS = 2;
/** So long one waits for a command that was given up: in real time, where outages are short, and on a clock that jumps. */
const REPLAY_SECONDS = 20;
/** Beyond what was scheduled, until everything has been told. */
const GRACE_SECONDS = 30;

export interface MeasureOptions {
  client: string;
  balancer: string;
  /** Servers; the second never sees a connection but by mistake. */
  servers: readonly string[];
  player: ManyPlayer;
  /** How long an answer is waited for. */
  patienceSeconds: number;
  /** For how long the cost of an idle connection is counted. */
  countSeconds: number;
  /** Whether time goes on while a program does not get to run. */
  realTime: boolean;
  onOutcome(outcome: Outcome): void;
  /** Looks on while a single trial is measured. */
  watching?: Watching;
}

/** Somebody who looks on while one trial is measured, and keeps what is seen as evidence. */
export interface Watching {
  /** The middlebox plays: before any connection is opened. */
  playing(playing: ManyPlaying, port: number): void;
  /** All in epoch seconds on the lab's clock. Rejects where a look fails. */
  watch(moments: Moments, signal: AbortSignal): Promise<void>;
  /** Its outcome is known, and its connections are still as they were. @param client what its program says of it */
  known(client: SwarmDone | undefined): Promise<void>;
}

const wishOf = ({ keepalive, heartbeatSeconds, heartbeatTimeoutSeconds }: Side) => ({
  ...(keepalive === 'off'
    ? {}
    : ({
        keepalive: {
          idleSeconds: keepalive.idleSeconds,
          intervalSeconds: keepalive.intervalSeconds,
          probes: keepalive.probes,
        },
        ...(keepalive.userTimeoutSeconds === undefined ? {} : { userTimeoutSeconds: keepalive.userTimeoutSeconds }),
      } satisfies SocketWish)),
  ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
  ...(heartbeatTimeoutSeconds === undefined ? {} : { heartbeatTimeoutSeconds }),
});

interface Placed {
  id: number;
  trial: Trial;
  port: number;
  moments: Moments;
}

/** What happens to a trial's path, by which ports are told apart. */
const lossOf = (trial: Trial): string => {
  const { question } = trial;
  if (question.kind === 'lost') return loseSet(losingSide(trial), question.count);
  if (question.kind === 'outage' || question.kind === 'replay') return `outage ${question.seconds}`;
  return question.kind === 'dead' ? 'dead' : '';
};

/** Trials alike in their middlebox, their server's settings and what happens to the path share a port. */
function place(trials: readonly Trial[], hz: number): Placed[] {
  const changeAt = changeSeconds(trials, hz);
  const ports = new Map<string, number>();
  return trials.map((trial, id) => {
    const key = JSON.stringify([trial.box, trial.server, lossOf(trial)]);
    const port = ports.get(key) ?? FIRST_PORT + ports.size;
    ports.set(key, port);
    return { id, trial, port, moments: momentsOf(trial, changeAt, hz) };
  });
}

/** What is known of a trial. */
interface Fate {
  done?: SwarmDone;
  serverKernel?: Outcome['kernel']['server'];
  serverEnded?: number;
  serverHeard?: number;
  executed: number;
  told: boolean;
}

/** Everything that either side says, by trial. */
class Fates {
  readonly all: Fate[];
  /** When a program, of either side or ours, had not run in time: epoch seconds. */
  readonly late: { from: number; to: number }[] = [];
  #wake: () => void = () => {};

  constructor(count: number) {
    this.all = Array.from({ length: count }, () => ({ executed: 0, told: false }));
  }

  readonly onClient = (line: string): void => {
    const event = lineOf(line, swarmEventSchema);
    if (event?.event === 'late') this.lateUntil(event.time, event.seconds);
    const fate = event?.event === 'done' ? this.all[event.id] : undefined;
    if (fate !== undefined && event?.event === 'done') fate.done = event;
    this.#wake();
  };

  readonly onServer = (line: string): void => {
    const event = lineOf(line, listenerEventSchema);
    if (event?.event === 'late') this.lateUntil(event.time, event.seconds);
    if (event === undefined || !('id' in event)) return;
    const fate = this.all[event.id];
    if (fate === undefined) return;
    if (event.event === 'hello') fate.serverKernel = event.kernel;
    else if (event.event === 'did') fate.executed++;
    else if (event.event === 'looked') fate.serverHeard = event.lastHeardAt;
    else fate.serverEnded ??= event.time;
    this.#wake();
  };

  lateUntil(time: number, seconds: number): void {
    this.late.push({ from: time - seconds, to: time });
  }

  /** Resolves when somebody has said something. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** What a request met, as its client's program classified how the connection ended. */
export function metOf({
  answered,
  ending,
  askedAt,
  endedAt,
}: Pick<SwarmDone, 'answered' | 'ending' | 'askedAt' | 'endedAt'>): Outcome['met'] {
  if (askedAt === undefined) return undefined;
  if (answered === 'same') return 'ok';
  if (endedAt !== undefined && endedAt < askedAt) return answered === 'anew' ? 'reopened' : 'other';
  return ending === undefined || ending === 'local' ? 'other' : ending;
}

/** @param start epoch seconds of the group's beginning @param until epoch seconds at which the watch was over */
function outcomeOf({ trial, moments, port }: Placed, fate: Fate, start: number, until: number): Outcome {
  const { done, serverKernel, serverEnded } = fate;
  const kernel = {
    ...(done?.kernel === undefined ? {} : { client: done.kernel }),
    ...(serverKernel === undefined ? {} : { server: serverKernel }),
  };
  const base = { key: trial.key, kernel, port, ...(done?.local === undefined ? {} : { local: done.local }) };
  if (done === undefined || done.openedAt === undefined)
    return { ...base, problem: done === undefined ? 'nothing was heard of it' : `it could not connect: ${done.how}` };
  const { askedAt, knownAt, endedAt, how, traffic } = done;
  switch (trial.question.kind) {
    case 'cost':
      return traffic === undefined ? { ...base, problem: `it ended while it was idle: ${how}` } : { ...base, traffic };
    case 'dead': {
      const since = (heard: number | undefined) =>
        trial.question.kind === 'dead' && trial.question.inFlight ? askedAt : heard;
      const [client, server] = [
        [endedAt, since(done.lastHeardAt)],
        [serverEnded, since(fate.serverHeard)],
      ].map(([end, from]) => (end === undefined || from === undefined ? undefined : end - from));
      return {
        ...base,
        how,
        noticed: { ...(client === undefined ? {} : { client }), ...(server === undefined ? {} : { server }) },
        watchedSeconds: until - start - (moments.changeAt as number),
      };
    }
    default: {
      const met = metOf(done);
      const early = endedAt !== undefined && askedAt !== undefined && endedAt < askedAt;
      const over = endedAt !== undefined;
      // A proxy tells both sides by itself; what its server has left is not this client's.
      const asked = trial.question.kind === 'quiet';
      return {
        ...base,
        ...(met === undefined ? {} : { met }),
        how,
        ...(knownAt === undefined || askedAt === undefined || early ? {} : { seconds: knownAt - askedAt }),
        ...(early ? { endedInQuiet: endedAt - done.openedAt } : {}),
        ...(asked && (over || met === 'ok')
          ? { zombie: over && (serverEnded === undefined || serverEnded > endedAt + ZOMBIE_SECONDS) }
          : {}),
        ...(asked || trial.question.kind === 'replay' ? { executed: fate.executed, told: done.answered !== 'no' } : {}),
      };
    }
  }
}

/**
 * Measures trials, whose boxes its player can play on one host.
 * @throws LabError STEP_FAILED, SERVICE_DIED
 */
export async function measureTrials(lab: Lab, trials: readonly Trial[], options: MeasureOptions): Promise<void> {
  const placed = place(trials, lab.hz);
  const fates = new Fates(placed.length);
  const balancer = lab.host(options.balancer);
  const servers = options.servers.map((name) => lab.host(name));
  const byPort = new Map(placed.map((each) => [each.port, each]));
  const ports = [...byPort.values()].map(({ port, trial }): ManyPort => ({ port, box: trial.box }));
  const counts = [...new Set(trials.flatMap(({ question }) => (question.kind === 'lost' ? [question.count] : [])))];
  await balancer.run('nft', ['-f', '-'], { input: renderLosses(counts), privileged: true });
  const listening = [...byPort.values()].map(({ port, trial }): ListenerPort => ({ port, ...wishOf(trial.server) }));
  const listeners = servers.map((host, index) => ({
    host,
    process: host.spawnModule('services/broker/listener', [host.address], {
      as: `the listener on ${host.name}`,
      input: 'pipe',
      ...(index === 0 ? { onLine: fates.onServer } : {}),
    }),
  }));
  const client = lab.host(options.client).spawnModule('services/client/swarm', [], {
    as: `the swarm on ${options.client}`,
    input: 'pipe',
    onLine: fates.onClient,
  });
  const processes = [client, ...listeners.map(({ process }) => process)];
  const over = new AbortController();
  try {
    const work = (async () => {
      for (const { process } of listeners) {
        await process.line(READY, START_SECONDS);
        process.write(
          JSON.stringify({ do: 'listen', ports: listening, realTime: options.realTime } satisfies ListenerCommand),
        );
        await process.line(LISTENING, START_SECONDS);
      }
      await client.line(READY, START_SECONDS);
      const playing = await options.player.play({ host: balancer, folder: lab.folder, servers, ports });
      options.watching?.playing(playing, placed[0]?.port ?? FIRST_PORT);
      await follow(
        lab,
        {
          placed,
          fates,
          host: playing.address,
          client,
          server: listeners[0]?.process as LabProcess,
          balancer,
          signal: over.signal,
        },
        options,
      );
      await options.watching?.known(fates.all[0]?.done);
    })();
    await Promise.race([work, ...processes.map(({ died }) => died)]);
  } finally {
    over.abort();
    await Promise.all(processes.map((process) => process.stop('SIGKILL')));
  }
}

interface Under {
  placed: readonly Placed[];
  fates: Fates;
  /** The address that clients connect to. */
  host: string;
  client: LabProcess;
  server: LabProcess;
  balancer: LabHost;
  signal: AbortSignal;
}

/** What happens to paths, in the order of time. */
function pathChanges(placed: readonly Placed[]): { at: number; rules: string }[] {
  const changes = new Map<string, { at: number; action: 'add' | 'delete'; name: string; ports: Set<number> }>();
  const change = (at: number | undefined, action: 'add' | 'delete', name: string, port: number) => {
    if (at === undefined) return;
    const key = `${at} ${action} ${name}`;
    const known = changes.get(key) ?? { at, action, name, ports: new Set() };
    known.ports.add(port);
    changes.set(key, known);
  };
  for (const { trial, port, moments } of placed) {
    if (moments.changeAt === undefined) continue;
    const name = trial.question.kind === 'lost' ? lossOf(trial) : 'cut';
    change(moments.changeAt, 'add', name, port);
    change(moments.mendAt, 'delete', name, port);
  }
  return [...changes.values()]
    .sort((a, b) => a.at - b.at)
    .map(({ at, action, name, ports }) => ({ at, rules: changeLoss(action, name, [...ports]) }));
}

const HEAD_START_SECONDS = 1;

async function follow(lab: Lab, under: Under, options: MeasureOptions): Promise<void> {
  const { placed, fates, host, client, server, balancer, signal } = under;
  const { patienceSeconds, countSeconds } = options;
  const start = lab.now() + HEAD_START_SECONDS + placed.length / 2000;
  const tell = (command: SwarmCommand) => client.write(JSON.stringify(command));
  const tellServer = (command: ListenerCommand) => server.write(JSON.stringify(command));
  const at = (seconds: number | undefined) => (seconds === undefined ? undefined : start + seconds);
  tell({
    realTime: options.realTime,
    tasks: placed.map(({ id, trial, port, moments }): SwarmTask => {
      const { client: side, question, quietSeconds } = trial;
      const [askAt, lookAt, untilAt] = [moments.askAt, moments.lookAt, moments.untilAt].map(at);
      return {
        id,
        host,
        port,
        openAt: start + moments.openAt,
        ...wishOf(side),
        ...(side.commandTimeoutSeconds === undefined ? {} : { commandTimeoutSeconds: side.commandTimeoutSeconds }),
        ...(side.poolIdleSeconds === undefined ? {} : { poolIdleSeconds: side.poolIdleSeconds }),
        ...(question.kind === 'quiet' ? { ask: { quietSeconds } } : askAt === undefined ? {} : { ask: { at: askAt } }),
        ...(lookAt === undefined ? {} : { lookAt }),
        ...(untilAt === undefined ? {} : { untilAt }),
        ...(question.kind === 'cost' ? { countSeconds } : {}),
        ...(options.watching === undefined ? {} : { keepOpen: true }),
        patienceSeconds: patienceOf(trial, patienceSeconds),
      };
    }),
  });
  const [first] = placed;
  const looks = first === undefined ? undefined : options.watching?.watch(absolute(first, start), signal);
  looks?.catch(() => {});
  const dead = placed.filter(({ trial }) => trial.question.kind === 'dead');
  if (dead[0] !== undefined) {
    tellServer({ do: 'look', ids: dead.map(({ id }) => id), at: start + (dead[0].moments.lookAt as number) });
    const inFlight = dead.filter(({ moments }) => moments.askAt !== undefined);
    if (inFlight[0] !== undefined)
      tellServer({ do: 'push', ids: inFlight.map(({ id }) => id), at: start + (inFlight[0].moments.askAt as number) });
  }
  const paths = (async () => {
    for (const { at: when, rules } of pathChanges(placed)) {
      await sleep(start + when - lab.now(), { signal });
      await balancer.run('nft', ['-f', '-'], { input: rules, privileged: true });
      const late = lab.now() - start - when;
      if (options.realTime && late > TOO_LATE_SECONDS) fates.lateUntil(lab.now(), late);
    }
  })();
  paths.catch(() => {});
  const unending = (work: Promise<unknown>) => work.then(() => new Promise<never>(() => {}));
  await Promise.race([
    tellAsKnown(lab, under, options, start),
    unending(paths),
    ...(looks === undefined ? [] : [unending(looks)]),
  ]);
  await looks;
}

/** Its moments in epoch seconds; that of a request after a quiet is counted from its opening. */
function absolute({ trial, moments }: Placed, start: number): Moments {
  const askAt = trial.question.kind === 'quiet' ? moments.openAt + trial.quietSeconds : moments.askAt;
  const all = { ...moments, ...(askAt === undefined ? {} : { askAt }) };
  return Object.fromEntries(
    Object.entries(all).map(([name, seconds]) => [name, start + seconds]),
  ) as unknown as Moments;
}

/** Data that was in flight in an outage comes again after at most as long as that had lasted (RTO backoff). */
function patienceOf({ question, quietSeconds }: Trial, patienceSeconds: number): number {
  if (question.kind === 'dead') return quietSeconds * 2;
  const outage = question.kind === 'outage' || question.kind === 'replay' ? question.seconds : 0;
  return patienceSeconds + Math.min(120, outage);
}

/** When the last word of a trial must have been said, seconds since the beginning. */
const lastSeconds = ({ trial, moments }: Placed, { patienceSeconds, countSeconds }: MeasureOptions): number => {
  if (moments.untilAt !== undefined) return moments.untilAt;
  if (trial.question.kind === 'cost') return moments.openAt + countSeconds;
  const asked = moments.askAt ?? moments.openAt + trial.quietSeconds;
  return asked + 2 * patienceOf(trial, patienceSeconds);
};

/** What was measured while programs did not get to run says nothing about timers. */
const tooBusy = ({ key, kernel }: Outcome, seconds: number): Outcome => ({
  key,
  kernel,
  problem: `this machine was too busy: a program of the lab did not get to run for ${seconds.toFixed(1)} s`,
});

/** Tells outcomes as soon as they are certain. */
async function tellAsKnown(lab: Lab, under: Under, options: MeasureOptions, start: number): Promise<void> {
  const { placed, fates, signal } = under;
  const waiting = new Set(placed);
  const end = start + Math.max(...placed.map((each) => lastSeconds(each, options))) + GRACE_SECONDS;
  // Of a connection that ended, one waits whether its server hears of it; of a dead peer, for the other side.
  const due = (each: Placed): number => {
    const { done, serverEnded } = fates.all[each.id] as Fate;
    if (done === undefined) return Number.POSITIVE_INFINITY;
    if (each.trial.question.kind === 'dead') {
      if (done.openedAt === undefined || serverEnded !== undefined) return 0;
      return start + (each.moments.untilAt as number);
    }
    // What was given up may be executed all the same, when it is sent again after the outage (RTO backoff).
    if (each.trial.question.kind === 'replay') return done.time + REPLAY_SECONDS;
    if (each.trial.question.kind !== 'quiet' || done.endedAt === undefined || serverEnded !== undefined) return 0;
    return done.endedAt + ZOMBIE_SECONDS;
  };
  for (;;) {
    const time = lab.now();
    let next = end;
    for (const each of waiting) {
      const when = due(each);
      if (when <= time || time >= end) {
        waiting.delete(each);
        const outcome = outcomeOf(each, fates.all[each.id] as Fate, start, time);
        const late = fates.late.find(({ to }) => to > start + each.moments.openAt);
        options.onOutcome(late === undefined ? outcome : tooBusy(outcome, late.to - late.from));
      } else next = Math.min(next, when);
    }
    if (waiting.size === 0) return;
    const timer = new AbortController();
    await Promise.race([
      fates.next().then(() => sleep(BATCH_SECONDS, { signal })),
      sleep(Math.max(0.001, next - time), { signal: AbortSignal.any([signal, timer.signal]) }),
    ]).catch((error: unknown) => {
      if (signal.aborted) throw error;
    });
    timer.abort();
  }
}

/** Words of many connections come together. */
const BATCH_SECONDS = 0.05;
