// Looks at one trial while it is measured: at the socket tables of all hosts and at the middlebox's own table, at the moments that
// matter, and keeps what is seen in the form of a scenario's evidence. It only looks; what it did not see it does not say.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, plainDuration } from '../../base/duration.ts';
import type { ActRecord, StepRecord } from '../../evidence/record.ts';
import { losingSide } from '../../model/predict.ts';
import { granuleSeconds } from '../../model/timer-wheel.ts';
import type { Trial } from '../../plan/trial.ts';
import type { Failure } from '../../talk/failure.ts';
import type { Ending, SwarmDone } from '../../talk/swarm.ts';
import { Collector } from '../collect.ts';
import type { Lab } from '../lab.ts';
import type { Watching } from './measure.ts';
import type { Moments } from './schedule.ts';
import { BALANCER, CLIENT } from './witness-act.ts';

/** Between something that happens and the look at what became of it; as much before what is about to happen. */
const MOMENT_SECONDS = 0.5;

const FAILURES: Record<Exclude<Ending, 'closed' | 'local'>, Failure> = {
  reset: 'reset',
  timeout: 'socket-timeout',
  other: 'other',
};

interface Look {
  at: number;
  label: string;
}

/** When to look, and how the look is called; all in epoch seconds. */
function looksAt({ box }: Trial, { openAt, changeAt, mendAt, askAt }: Moments, lateSeconds: number): Look[] {
  const { timeoutSeconds } = box.middlebox;
  const until = askAt ?? Number.POSITIVE_INFINITY;
  const looks: Look[] = [
    { at: openAt + MOMENT_SECONDS, label: 'quiet begins' },
    // Of a flow that nothing has refreshed since.
    { at: openAt + timeoutSeconds + 2 * MOMENT_SECONDS, label: `after ${formatDuration(timeoutSeconds)} of quiet` },
    ...(lateSeconds > 0
      ? [
          {
            at: openAt + timeoutSeconds + 2 * MOMENT_SECONDS + lateSeconds,
            label: 'the latest end of an entry’s timer',
          },
        ]
      : []),
    ...(changeAt === undefined ? [] : [{ at: changeAt + MOMENT_SECONDS, label: 'packets are lost' }]),
    ...(mendAt === undefined ? [] : [{ at: mendAt + MOMENT_SECONDS, label: 'packets get through again' }]),
    { at: until - MOMENT_SECONDS, label: 'quiet ends' },
  ];
  return looks
    .filter(({ at }) => at > openAt && at < until && Number.isFinite(at))
    .concat(askAt === undefined ? [] : [{ at: askAt + 2 * MOMENT_SECONDS, label: 'after the request' }])
    .sort((a, b) => a.at - b.at);
}

/** What happened to a trial, when, in words. */
function stepsOf(trial: Trial, { openAt, changeAt, mendAt, askAt }: Moments, to: number): StepRecord[] {
  const { question } = trial;
  const action = (host: string, name: string, text: string, from: number | undefined): StepRecord[] =>
    from === undefined || from > to
      ? []
      : [{ kind: 'action', text, actions: [{ host, action: name, takesAway: 'nothing' }], from, to: from }];
  const packets = question.kind === 'lost' && question.count > 1 ? `${question.count} packets` : 'packet';
  const lost =
    question.kind === 'lost'
      ? `the next ${packets} of the ${losingSide(trial)} ${question.count > 1 ? 'are' : 'is'} lost`
      : `nothing gets through${'seconds' in question ? ` for ${plainDuration(question.seconds)}` : ''}`;
  // What is said until then is the greeting.
  const quiet = { from: openAt + MOMENT_SECONDS, to: Math.min(to, askAt ?? to) };
  const seconds = quiet.to - quiet.from;
  return [
    ...action(CLIENT, 'connect', `${CLIENT} opens a connection`, openAt),
    { kind: 'quiet', text: `quiet for ${plainDuration(Math.round(seconds))}`, seconds, ...quiet },
    ...action(BALANCER, 'lose', lost, changeAt),
    ...action(BALANCER, 'mend', 'packets get through again', mendAt),
    ...action(CLIENT, 'request', `${CLIENT} makes a request`, askAt),
  ];
}

export class Looks implements Watching {
  readonly #lab: Lab;
  readonly #trial: Trial;
  readonly #act: string;
  readonly #collector: Collector;
  readonly #began: number;
  #moments: Moments | undefined;
  #target: ActRecord['targets'][string] = { address: '', port: 0 };
  #late = 0;
  #to: number | undefined;

  private constructor(lab: Lab, trial: Trial, act: string, folder: string) {
    this.#lab = lab;
    this.#trial = trial;
    this.#act = act;
    this.#collector = new Collector(lab, act, [BALANCER], folder);
    this.#began = lab.now();
  }

  /** Nothing that its hosts send is missed once this resolves. @param folder of the evidence */
  static async begin(lab: Lab, trial: Trial, act: string, folder: string, clockJumps: boolean): Promise<Looks> {
    const looks = new Looks(lab, trial, act, folder);
    await looks.#collector.start({ connections: CONNECTIONS, clockJumps });
    return looks;
  }

  playing({ address, flows, sessions }: Parameters<Watching['playing']>[0], port: number): void {
    this.#target = { address, port };
    this.#collector.useBox(BALANCER, { ...(flows ? { flows } : {}), ...(sessions ? { sessions } : {}) });
    // A table whose entries have timers of the kernel forgets late.
    if (flows !== undefined) this.#late = granuleSeconds(this.#trial.box.middlebox.timeoutSeconds, this.#lab.hz);
  }

  async watch(moments: Moments, signal: AbortSignal): Promise<void> {
    this.#moments = moments;
    for (const { at, label } of looksAt(this.#trial, moments, this.#late)) {
      await sleep(Math.max(0, (at - this.#lab.now()) * 1000), undefined, { signal });
      this.#lab.watch.attend();
      await this.#collector.sample(label);
    }
  }

  async known(client: SwarmDone | undefined): Promise<void> {
    if (client !== undefined) this.#tell(client);
    await this.#collector.sample('the end');
    // How its programs end is not part of the story.
    this.#to = this.#lab.now();
  }

  /** What the client's program says of its connection. */
  #tell({ local, openedAt, askedAt, answered, knownAt, endedAt, ending, how }: SwarmDone): void {
    const event = (time: number | undefined, name: string, more: object = {}) => {
      if (time !== undefined) this.#collector.event(CLIENT, { time, event: name, connection: 0, ...more });
    };
    if (local !== undefined) event(openedAt, 'connect', { local });
    event(askedAt, 'request', { id: 'request' });
    if (answered === 'same') event(knownAt, 'reply', { id: 'request' });
    if (endedAt === undefined || ending === undefined) return;
    if (ending !== 'closed' && ending !== 'local')
      event(endedAt, 'error', { failure: FAILURES[ending], code: how, message: how });
    event(endedAt, 'close');
  }

  /** Ends the watch. @returns the record of the act */
  async end(): Promise<ActRecord> {
    const to = this.#to ?? this.#lab.now();
    const lostEvidence = await this.#collector.stop();
    const hosts = [...this.#lab.hosts.values()];
    return {
      name: this.#act,
      from: this.#moments?.openAt ?? this.#began,
      to,
      upSeconds: 0,
      downSeconds: 0,
      hz: this.#lab.hz,
      steps: this.#moments === undefined ? [] : stepsOf(this.#trial, this.#moments, to),
      addresses: Object.fromEntries(hosts.map(({ name, addresses }) => [name, [...addresses]])),
      interfaces: Object.fromEntries(hosts.map(({ name, interfaces }) => [name, Object.fromEntries(interfaces)])),
      lostEvidence,
      targets: { [CLIENT]: this.#target },
    };
  }
}

/** Frames of a night of probes come in while nobody reads: as many as of so many connections in a burst. */
const CONNECTIONS = 128;
