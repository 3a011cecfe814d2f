// Plays one act: the cast comes up, the timeline is walked, evidence is gathered.
import { formatDuration } from '../base/duration.ts';
import { LabError } from '../base/errors.ts';
import { sleep } from '../base/timers.ts';
import { within } from '../base/within.ts';
import {
  type ActionStep,
  type ActPlan,
  actionsOf,
  boxesOf,
  connectionsOf,
  type HostPlan,
  ownerOf,
  type Step,
  stepLength,
} from '../plan/plan.ts';
import type { Cast } from './cast.ts';
import { VERBS } from './catalogue.ts';
import { Collector } from './collect.ts';
import { ConfigNames } from './config-names.ts';
import type { Lab } from './lab.ts';
import { type Look, looksAtBurst, looksAtQuiet } from './looks.ts';
import type { ActRecord, Message, StepRecord } from './record.ts';
import { startAll } from './start.ts';
import type { Verb } from './verb.ts';

export interface Stage {
  lab: Lab;
  /** Whether time costs nothing here while every program sleeps. */
  clockJumps: boolean;
  /** Ends the act before its time; whoever raises it takes the lab down. */
  signal?: AbortSignal;
}

/** Rejects when the signal is raised. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** The hosts that a step's word means: one, or all of a group. */
const hostsCalled = ({ hosts }: ActPlan, name: string): HostPlan[] => {
  const exact = hosts.filter((host) => host.name === name);
  return exact.length > 0 ? exact : hosts.filter((host) => ownerOf(host) === name);
};

const verbOf = async (step: ActionStep): Promise<Verb> => (await VERBS.load(step.action)).default;

async function sayAction(act: ActPlan, step: ActionStep): Promise<string> {
  const verb = await verbOf(step);
  const [first] = hostsCalled(act, step.host) as [HostPlan];
  const said = verb.say(step, { ...first, name: step.host });
  const every = step.everySeconds ? `, every ${formatDuration(step.everySeconds)}` : '';
  return step.times === undefined || step.times === 1 ? said : `${said}, ${step.times} times${every}`;
}

async function sayStep(act: ActPlan, step: Step): Promise<string> {
  if (step.kind === 'quiet') return `quiet for ${formatDuration(step.seconds)}`;
  if (step.kind === 'observe') return `watching for ${formatDuration(step.seconds)}`;
  return (await Promise.all(actionsOf(step).map((action) => sayAction(act, action)))).join('; at once ');
}

/** Walks a timeline. */
class Walk {
  readonly steps: StepRecord[] = [];
  readonly #stage: Stage;
  readonly #cast: Cast;
  readonly #collector: Collector;
  readonly #ended: AbortSignal;
  readonly #tell: (message: Message) => void;

  constructor(
    stage: Stage,
    cast: Cast,
    options: { collector: Collector; ended: AbortSignal; tell(message: Message): void },
  ) {
    this.#stage = stage;
    this.#cast = cast;
    this.#collector = options.collector;
    this.#ended = options.ended;
    this.#tell = options.tell;
  }

  get #lab(): Lab {
    return this.#stage.lab;
  }

  async play(): Promise<void> {
    for (const step of this.#cast.act.timeline) await this.#step(step);
  }

  async #step(step: Step): Promise<void> {
    const { act } = this.#cast;
    const text = await sayStep(act, step);
    const waits = step.kind === 'quiet' || step.kind === 'observe';
    this.#tell({ type: 'step', act: act.name, text, ...(waits ? { waitSeconds: step.seconds } : {}) });
    this.#lab.watch.attend();
    const from = this.#lab.now();
    if (step.kind === 'quiet') {
      const boxes = boxesOf(act).map(({ name, timers }) => ({
        timers,
        ownTimers: this.#cast.boxes.get(name)?.played.flows !== undefined,
      }));
      await this.#wait(step.seconds, looksAtQuiet(boxes, this.#lab.hz));
      await this.#collector.sample('quiet ends');
    } else if (step.kind === 'observe') await this.#wait(step.seconds, looksAtBurst(step.seconds));
    else await Promise.all(actionsOf(step).map((action) => this.#act(action)));
    const to = this.#lab.now();
    this.steps.push(
      step.kind === 'quiet' || step.kind === 'observe'
        ? { kind: step.kind, text, seconds: step.seconds, from, to }
        : {
            kind: step.kind,
            text,
            actions: actionsOf(step).map(({ host, action, takesAway, talks }) => ({
              host,
              action,
              takesAway,
              ...(talks === undefined ? {} : { talks }),
            })),
            from,
            to,
          },
    );
    this.#collector.event('lab', { time: from, event: 'step', text, until: to });
  }

  async #act(step: ActionStep): Promise<void> {
    const { act } = this.#cast;
    const verb = await verbOf(step);
    const begun = this.#lab.now();
    const { most } = stepLength(act, step);
    const patiently = <T>(work: Promise<T>, what: string): Promise<T> =>
      within(
        most,
        work,
        () =>
          new LabError(
            'STEP_FAILED',
            `${what} took more than ${formatDuration(most)}`,
            'see events.ndjson for what the client met; a step that may hang needs an "observe" after it',
          ),
      );
    for (let round = 0; round < (step.times ?? 1); round++) {
      if (round > 0) await this.#until(begun + round * (step.everySeconds ?? 0));
      await Promise.all(
        hostsCalled(act, step.host).map((host) => verb.do({ lab: this.#lab, cast: this.#cast, host, step, patiently })),
      );
    }
  }

  /** A timer may fire before the clock that all evidence shares is there: no wait is shorter than planned. */
  async #until(time: number): Promise<void> {
    do await sleep(time - this.#lab.now(), { signal: this.#ended });
    while (this.#lab.now() < time);
  }

  async #wait(seconds: number, looks: readonly Look[]): Promise<void> {
    const begun = this.#lab.now();
    const due = looks.filter(({ after }) => after < seconds).sort((a, b) => a.after - b.after);
    for (const { after, label } of due) {
      await this.#until(begun + after);
      await this.#collector.sample(label);
    }
    await this.#until(begun + seconds);
  }
}

/** What servers say that they have applied. A host without power has no memory; one that is frozen was asked before. */
async function askLedgers(lab: Lab, cast: Cast, collector: Collector): Promise<void> {
  await Promise.all(
    [...cast.servers].map(async ([name, { started, remembered }]) => {
      if (lab.host(name).gone) return;
      const ids = remembered ?? (await started.ledger());
      collector.event(name, { time: lab.now(), event: 'ledger', ids });
    }),
  );
}

/**
 * Plays one act in a lab that is already up: starts everybody and the collectors, walks the timeline, gathers evidence
 * into `folder`. The lab is the caller's, to be disposed of afterwards.
 * @throws LabError SERVICE_DIED, SERVICE_SILENT, STEP_FAILED (what was collected until then stays in `folder`)
 */
export async function playAct(
  stage: Stage,
  act: ActPlan,
  folder: string,
  tell: (message: Message) => void,
  versions: Record<string, string>,
): Promise<Omit<ActRecord, 'upSeconds' | 'downSeconds'>> {
  const { lab, clockJumps, signal } = stage;
  if (act.hz !== undefined && act.hz !== lab.hz)
    throw new LabError(
      'WRONG_KERNEL',
      `the act ${act.name} is about a kernel with HZ ${act.hz}, this one has ${lab.hz}`,
      'add --engine virtual (npm run kernel builds it): its kernels can be chosen',
    );
  const collector = new Collector(
    lab,
    act.name,
    boxesOf(act).map(({ name }) => name),
    folder,
  );
  // Whatever ends the act ends its waits, or they would keep this process alive.
  const over = new AbortController();
  const stopped = signal ? [abortOf(signal)] : [];
  const starting = startAll(
    {
      lab,
      act,
      collector,
      clockJumps,
      configs: new ConfigNames(),
      onLibrary(_, library) {
        versions.client =
          versions.client?.split(', ').includes(library) || versions.client === undefined
            ? (versions.client ?? library)
            : `${versions.client}, ${library}`;
      },
    },
    () => collector.start({ connections: connectionsOf(act), clockJumps }),
  );
  let played: { cast: Cast; walk: Walk; from: number };
  try {
    const cast = await Promise.race([starting, ...stopped]);
    const walk = new Walk(stage, cast, {
      collector,
      ended: signal ? AbortSignal.any([signal, over.signal]) : over.signal,
      tell,
    });
    played = { cast, walk, from: lab.now() };
    const ends = [lab.watch.died, cast.died, ...stopped];
    await Promise.race([walk.play(), ...ends]);
    await Promise.race([collector.sample('the end').then(() => askLedgers(lab, cast, collector)), ...ends]);
  } catch (failure) {
    over.abort();
    // What ended the act says more than whatever follows from it.
    await collector.stop().catch(() => {});
    throw failure;
  }
  const { cast, walk, from } = played;
  const lostEvidence = await collector.stop();
  const hosts = [...lab.hosts.values()];
  return {
    name: act.name,
    hz: lab.hz,
    from,
    to: lab.now(),
    steps: walk.steps,
    looks: collector.looks,
    addresses: Object.fromEntries(hosts.map(({ name, addresses }) => [name, [...addresses]])),
    interfaces: Object.fromEntries(hosts.map((host) => [host.name, Object.fromEntries(host.interfaces)])),
    lostEvidence,
    targets: Object.fromEntries([...cast.clients].map(([name, { target }]) => [name, target])),
  };
}
