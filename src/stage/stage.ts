import { formatDuration } from '../base/duration.ts';
import { LabError } from '../base/errors.ts';
import { sleep } from '../base/timers.ts';
import { within } from '../base/within.ts';
import { granuleSeconds } from '../model/timer-wheel.ts';
import {
  type ActPlan,
  type BrokerPlan,
  type ClientPlan,
  clientOf,
  hostsOf,
  middleboxOf,
  type Step,
  sysctlsOf,
  type Tuning,
} from '../plan/plan.ts';
import { patienceSeconds } from '../plan/step-length.ts';
import type { AgentCommand, AgentEvent } from '../talk/agent.ts';
import { eventIn } from '../talk/lines.ts';
import type { Broker } from './broker.ts';
import { BOXES, FAULTS, SERVERS } from './catalogue.ts';
import { Collector } from './collect.ts';
import type { Lab, LabHost, LabProcess } from './lab.ts';
import type { Playing } from './player.ts';
import type { ActRecord, LostEvidence, Message, StepRecord, TakesAway } from './record.ts';

/** Moments, in seconds after a burst, at which sockets are looked at; then each twice as late as the one before. */
const LOOK_AFTER = [0.1, 0.4, 1];
/** A flow table shows an expiry only when looked at: this long after it was due. */
const AFTER_EXPIRY_SECONDS = 0.5;

interface Agent {
  process: LabProcess;
  /** Resolves once all of these ids have an answer of whatever kind, or all connections are ready. */
  settled(ids: string[]): Promise<void>;
  ready(count: number): Promise<void>;
}

function startAgent(lab: Lab, act: ActPlan, collector: Collector, onLibrary: (library: string) => void): Agent {
  const client = clientOf(act);
  const open = new Set<string>();
  const ready = new Set<number>();
  let changed: (() => void)[] = [];
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => changed.push(resolve));
  };
  const process = lab.host(client.name).spawnModule('services/client/agent', [client.library], {
    as: `the client agent on ${client.name}`,
    input: 'pipe',
    onLine: (line) => {
      const event = eventIn<AgentEvent>(line);
      // The library's own words, or those of one of its packages.
      if (event === undefined) return;
      collector.event(client.name, event);
      if (event.library) onLibrary(event.library);
      if (event.event === 'reply' || event.event === 'failed') open.delete(event.id as string);
      if (event.event === 'ready') ready.add(event.connection as number);
      const waiting = changed;
      changed = [];
      for (const wake of waiting) wake();
    },
  });
  return {
    process,
    settled: (ids) => {
      for (const id of ids) open.add(id);
      return until(() => ids.every((id) => !open.has(id)));
    },
    ready: (count) => until(() => ready.size >= count),
  };
}

/** The settings that belong to a host's kernel, not to a program on it. */
async function tuneHost(host: LabHost, tuning: Tuning): Promise<void> {
  for (const [name, value] of Object.entries(sysctlsOf(tuning))) await host.setSysctl(name, value);
}

async function startBroker(
  lab: Lab,
  plan: BrokerPlan,
  act: ActPlan,
  broker: Broker,
  collector: Collector,
): Promise<LabProcess> {
  const host = lab.host(plan.name);
  const tuning = act.tuning[plan.group] ?? {};
  await tuneHost(host, tuning);
  const { config, program, args } = broker.render({ host, folder: lab.folder, tuning });
  const started = host.spawn(program, args(await collector.writeConfig(host, `${plan.name}.conf`, config)), {
    as: `${plan.broker} on ${plan.name}`,
  });
  await started.line(broker.ready);
  return started;
}

function stepText(step: Step, describe: (host: string, action: string) => string): string {
  if (step.kind === 'quiet') return `quiet for ${formatDuration(step.seconds)}`;
  if (step.kind === 'observe') return `watching for ${formatDuration(step.seconds)}`;
  return step.kind === 'action' ? describe(step.host, step.action) : '';
}

const slowly = ({ spreadSeconds }: ClientPlan) =>
  spreadSeconds === undefined ? '' : `, one after another, in ${formatDuration(spreadSeconds)}`;
const opens = ({ name, connections }: ClientPlan) =>
  `${name} opens ${connections} connection${connections === 1 ? '' : 's'}`;

/** What a client can be told to do: how a step says it, and what it takes away from the servers. */
const VERBS: Record<string, { describe(client: ClientPlan): string; takesAway: TakesAway }> = {
  connect: { describe: (client) => opens(client) + slowly(client), takesAway: 'nothing' },
  'connect-and-request': {
    describe: (client) => `${opens(client)} and sends a command on each at once${slowly(client)}`,
    takesAway: 'nothing',
  },
  request: {
    describe: (client) =>
      `${client.name} sends a command on ${client.connections === 1 ? 'its connection' : `each of its ${client.connections} connections`}${slowly(client)}`,
    takesAway: 'nothing',
  },
  close: { describe: ({ name }) => `${name} closes its connections`, takesAway: 'peer' },
};

/** The words for it in a timeline. */
export const AGENT_ACTIONS: readonly string[] = Object.keys(VERBS);

/** Rejects when the signal is raised. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

export interface Stage {
  lab: Lab;
  /** Whether time costs nothing here while every program sleeps. */
  clockJumps: boolean;
  /** Ends the act before its time; whoever raises it takes the lab down. */
  signal?: AbortSignal;
}

/**
 * Plays one act in a lab that is already up: starts services and collectors, walks the timeline, gathers evidence
 * into `folder`. The lab is the caller's, to be disposed of afterwards.
 * @throws LabError SERVICE_DIED, SERVICE_SILENT, STEP_FAILED (what was collected until then stays in `folder`)
 */
export async function playAct(
  { lab, clockJumps, signal }: Stage,
  act: ActPlan,
  folder: string,
  tell: (message: Message) => void,
  versions: Record<string, string>,
): Promise<Omit<ActRecord, 'upSeconds' | 'downSeconds'>> {
  const { hz } = lab;
  if (act.hz !== undefined && act.hz !== hz)
    throw new LabError(
      'WRONG_KERNEL',
      `the act ${act.name} is about a kernel with HZ ${act.hz}, this one has ${hz}`,
      'add --engine virtual (npm run kernel builds it): its kernels can be chosen',
    );
  const box = middleboxOf(act);
  const client = clientOf(act);
  const brokers = hostsOf(act, 'broker');
  const now = () => lab.now();
  const collector = new Collector(lab, act.name, box.name, folder);
  const services = new Map<string, LabProcess[]>([...lab.hosts.keys()].map((host) => [host, []]));
  const tuning = act.tuning[client.name] ?? {};
  const { default: broker } = await SERVERS.load((brokers[0] as BrokerPlan).broker);

  await tuneHost(lab.host(client.name), tuning);
  const agent = startAgent(lab, act, collector, (library) => {
    versions.client = library;
  });
  services.get(client.name)?.push(agent.process);
  const [kind] = Object.keys(box.playedBy) as [string];
  const startMiddlebox = async (): Promise<Playing> => {
    const { default: player } = await BOXES.load(kind);
    return player.play({
      box,
      host: lab.host(box.name),
      brokers: brokers.map(({ name }) => lab.host(name)),
      port: broker.port,
      connections: client.connections,
      folder: lab.folder,
      writeConfig: (name, text) => collector.writeConfig(lab.host(box.name), name, text),
      spawnModule: (path, args, as) => {
        const started = lab.host(box.name).spawnModule(path, args, { as, privileged: true });
        services.get(box.name)?.push(started);
        return started;
      },
      onLogLine: (line) => collector.proxyLog(line),
    });
  };
  const [playing] = await Promise.all([
    startMiddlebox(),
    collector.start({ connections: client.connections, clockJumps }),
    agent.process.line(/"event":"agent"/),
    ...brokers.map(async (plan) => services.get(plan.name)?.push(await startBroker(lab, plan, act, broker, collector))),
  ]);
  collector.useSessions(playing.sessions);
  collector.useFlows(playing.flows);
  if (clockJumps && broker.onlyServes)
    for (const { name } of brokers)
      for (const { child } of services.get(name) ?? []) if (child.pid !== undefined) lab.watch.park(child.pid);

  const started = now();
  const steps: StepRecord[] = [];
  const send = (command: AgentCommand) => agent.process.write(JSON.stringify(command));
  let round = 0;

  const patience = patienceSeconds(client);
  const patiently = (work: Promise<unknown>, what: string) =>
    within(
      patience,
      work,
      () =>
        new LabError(
          'STEP_FAILED',
          `${what} took more than ${formatDuration(patience)}`,
          'see events.ndjson for what the client met; a step that may hang needs an "observe" after it',
        ),
    );

  const { spreadSeconds } = client;
  const spread = spreadSeconds === undefined ? {} : { spreadSeconds };
  const newIds = () => {
    round++;
    return Array.from({ length: client.connections }, (_, connection) => `${act.name}-${round}-${connection}`);
  };
  const connect = async (ids?: string[]) => {
    const { keepalive, commandTimeoutSeconds, socketTimeoutSeconds, heartbeatSeconds } = tuning;
    const settled = ids ? agent.settled(ids) : Promise.resolve();
    send({
      do: 'connect',
      connections: client.connections,
      options: {
        host: playing.target.address,
        port: playing.target.port,
        ...(keepalive === undefined ? {} : { keepalive }),
        ...(commandTimeoutSeconds === undefined ? {} : { commandTimeoutSeconds }),
        ...(socketTimeoutSeconds === undefined ? {} : { socketTimeoutSeconds }),
      },
      ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
      ...(ids ? { ids } : {}),
      ...spread,
    });
    await patiently(
      Promise.all([agent.ready(client.connections), settled]),
      `connecting ${client.connections} connections through ${box.name}`,
    );
  };

  const actions: Record<string, (next: Step['kind'] | undefined) => Promise<void>> = {
    connect: () => connect(),
    'connect-and-request': () => connect(newIds()),
    request: async (next) => {
      const ids = newIds();
      const settled = agent.settled(ids);
      send({ do: 'request', ids, ...spread });
      // Quiet begins when the last answer is in; whoever wants to watch, watches at once.
      if (next !== 'observe') await patiently(settled, `answering ${ids.length} commands`);
    },
    close: async () => send({ do: 'close' }),
  };

  // Whatever ends the act ends its waits, or they would keep this process alive.
  const over = new AbortController();
  const ended = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  /** A timer may fire before the clock that all evidence shares is there: no wait is shorter than planned. */
  const until = async (time: number) => {
    do await sleep(time - now(), { signal: ended });
    while (now() < time);
  };

  const wait = async (seconds: number, looks: [number, string][]) => {
    const begun = now();
    for (const [after, label] of looks.filter(([after]) => after < seconds).sort(([a], [b]) => a - b)) {
      await until(begun + after);
      await collector.sample(label);
    }
    await until(begun + seconds);
  };

  const burst = (seconds: number): [number, string][] => {
    const moments = [...LOOK_AFTER];
    while ((moments.at(-1) as number) * 2 < seconds) moments.push((moments.at(-1) as number) * 2);
    return moments.map((moment) => [moment, `${formatDuration(moment)} later`]);
  };

  const play = async () => {
    for (const [index, step] of act.timeline.entries()) {
      const fault =
        step.kind === 'action' && !(step.action in actions) ? (await FAULTS.load(step.action)).default : undefined;
      const text = stepText(
        step,
        (host, action) => fault?.describe(host) ?? (VERBS[action] as (typeof VERBS)[string]).describe(client),
      );
      tell({ type: 'step', act: act.name, text, ...(step.kind === 'action' ? {} : { waitSeconds: step.seconds }) });
      lab.watch.attend();
      const from = now();
      if (step.kind === 'action') {
        if (fault)
          await fault.apply({
            lab,
            act,
            host: step.host,
            killProcesses: async (host) => {
              await Promise.all((services.get(host) ?? []).map((process) => process.stop('SIGKILL')));
            },
          });
        else
          await (actions[step.action] as (next: Step['kind'] | undefined) => Promise<void>)(
            act.timeline[index + 1]?.kind,
          );
      } else if (step.kind === 'quiet') {
        await wait(step.seconds, [
          [0.2, 'quiet begins'],
          [
            0.2 + box.idleTimeoutSeconds + AFTER_EXPIRY_SECONDS,
            `after ${formatDuration(box.idleTimeoutSeconds)} of quiet`,
          ],
          // A table whose entries have kernel timers forgets late (IPVS).
          ...(playing.flows
            ? [
                [
                  0.5 + box.idleTimeoutSeconds + granuleSeconds(box.idleTimeoutSeconds, hz),
                  'the latest end of an entry’s timer',
                ] as [number, string],
              ]
            : []),
        ]);
        await collector.sample('quiet ends');
      } else {
        await wait(step.seconds, burst(step.seconds));
      }
      const to = now();
      steps.push(
        step.kind === 'action'
          ? {
              kind: step.kind,
              text,
              host: step.host,
              action: step.action,
              takesAway: (fault ?? (VERBS[step.action] as (typeof VERBS)[string])).takesAway,
              from,
              to,
            }
          : { kind: step.kind, text, seconds: step.seconds, from, to },
      );
      collector.event('lab', { time: from, event: 'step', text, until: to });
    }
  };

  let lostEvidence: LostEvidence;
  const deaths = [
    lab.watch.died,
    ...(signal ? [abortOf(signal)] : []),
    ...[...lab.hosts.keys()].flatMap((host) => services.get(host) ?? []).map((process) => process.died),
  ];
  try {
    await Promise.race([play(), ...deaths]);
    await collector.sample('the end');
    await Promise.all(
      brokers.map(async ({ name }) => {
        // A host without power has no memory either.
        if (lab.host(name).gone) return;
        const ids = await broker.ledger({ host: lab.host(name), folder: lab.folder });
        collector.event(name, { time: now(), event: 'ledger', ids });
      }),
    );
  } finally {
    over.abort();
    lostEvidence = await collector.stop();
  }
  return {
    name: act.name,
    hz,
    from: started,
    to: now(),
    steps,
    looks: collector.looks,
    addresses: Object.fromEntries([...lab.hosts.values()].map((host) => [host.name, host.address])),
    interfaces: Object.fromEntries(
      [...lab.hosts.values()].map((host) => [host.name, Object.fromEntries(host.interfaces)]),
    ),
    lostEvidence,
    target: playing.target,
  };
}
