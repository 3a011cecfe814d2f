// Brings the cast of an act up: servers, boxes from the far end, clients' agents.
import { behind, clientsThrough } from '../plan/paths.ts';
import {
  type ActPlan,
  boxesOf,
  type ClientPlan,
  clientsOf,
  type HostPlan,
  kindOf,
  type MiddleboxPlan,
  ownerOf,
  type ServerPlan,
  serversOf,
  sysctlsOf,
  type Tuning,
} from '../plan/plan.ts';
import type { AgentEvent } from '../talk/agent.ts';
import { eventIn } from '../talk/lines.ts';
import type { Entrance } from './box.ts';
import { Cast, ClientActor } from './cast.ts';
import { BOXES, SERVERS } from './catalogue.ts';
import type { Collector } from './collect.ts';
import type { ConfigNames } from './config-names.ts';
import type { Lab, LabHost } from './lab.ts';

export interface Starting {
  lab: Lab;
  act: ActPlan;
  collector: Collector;
  /** Whether the kernel's clock jumps over times in which every program sleeps. */
  clockJumps: boolean;
  configs: ConfigNames;
  /** Told the name and version of a client's library. */
  onLibrary(host: string, library: string): void;
}

const tuningOf = (act: ActPlan, host: HostPlan): Tuning => act.tuning[ownerOf(host)] ?? {};

/** The settings that belong to a host's kernel, not to a program on it. */
async function tuneHost(host: LabHost, tuning: Tuning): Promise<void> {
  for (const [name, value] of Object.entries(sysctlsOf(tuning))) await host.setSysctl(name, value);
}

async function startServer({ lab, act, collector, configs }: Starting, cast: Cast, plan: ServerPlan): Promise<void> {
  const host = lab.host(plan.name);
  const tuning = tuningOf(act, plan);
  await tuneHost(host, tuning);
  const { default: server } = await SERVERS.load(plan.server);
  const started = await server.start({
    host,
    folder: lab.folder,
    tuning,
    writeConfig: (name, text) => collector.writeConfig(host, configs.nameFor(plan.name, name, text), text),
    onEvent: (event) => {
      collector.event(plan.name, event);
      if (event.event === 'accepted') cast.arrivals.note(plan.name);
    },
  });
  cast.join(plan.name, started.process);
  cast.servers.set(plan.name, { plan, server, started });
}

/** The port that a host's servers take connections on. */
async function portBehind(act: ActPlan, host: string): Promise<number> {
  const path = act.paths.find(({ client, boxes }) => client === host || boxes.includes(host));
  const server = serversOf(act).find(({ name }) => path?.servers.includes(name)) as ServerPlan;
  return (await SERVERS.load(server.server)).default.port;
}

/** Where connections go that leave a host towards the servers: past boxes that are only passed. */
async function entrancesBehind(where: Pick<Starting, 'lab' | 'act'>, cast: Cast, host: string): Promise<Entrance[]> {
  const { lab, act } = where;
  const port = await portBehind(act, host);
  const entrances: Entrance[] = [];
  for (const name of behind(act.paths, host)) {
    const box = cast.boxes.get(name);
    if (box?.played.entrance) entrances.push({ name, ...box.played.entrance });
    else if (box) entrances.push(...(await entrancesBehind(where, cast, name)));
    else entrances.push({ name, address: lab.host(name).addressTowards(host), port });
  }
  return entrances;
}

async function startBox(starting: Starting, cast: Cast, plan: MiddleboxPlan): Promise<void> {
  const { lab, act, collector, configs } = starting;
  const host = lab.host(plan.name);
  const { default: box } = await BOXES.load(kindOf(plan));
  const clients = clientsThrough(act.paths, plan.name);
  const played = await box.play({
    box: plan,
    host,
    ip: act.ip,
    next: await entrancesBehind(starting, cast, plan.name),
    port: await portBehind(act, plan.name),
    connections: clientsOf(act)
      .filter(({ name }) => clients.includes(name))
      .reduce((sum, { connections }) => sum + connections, 0),
    folder: lab.folder,
    writeConfig: (name, text) => collector.writeConfig(host, configs.nameFor(plan.name, name, text), text),
    spawnModule: (path, args, as, onLine) =>
      cast.join(
        plan.name,
        host.spawnModule(path, args, { as, privileged: true, ...(onLine === undefined ? {} : { onLine }) }),
      ),
    spawn: (program, args, onLine, onErrorLine) =>
      cast.join(
        plan.name,
        host.spawn(program, args, {
          as: `${program} on ${plan.name}`,
          ...(onLine ? { onLine } : {}),
          ...(onErrorLine ? { onErrorLine } : {}),
        }),
      ),
    onLogLine: (line, session) => collector.proxyLog(plan.name, line, session),
    now: () => lab.now(),
    onForgot: (forgetting) => collector.forgot(plan.name, forgetting),
  });
  cast.boxes.set(plan.name, { plan, played });
  collector.useBox(plan.name, played);
}

/** From the far end: a box is told what stands behind it. */
function fromTheFarEnd(act: ActPlan): MiddleboxPlan[] {
  const depth = (box: string): number =>
    Math.max(
      0,
      ...behind(act.paths, box).map((next) => 1 + (boxesOf(act).some(({ name }) => name === next) ? depth(next) : 0)),
    );
  return boxesOf(act).sort((a, b) => depth(a.name) - depth(b.name));
}

async function startClient(starting: Starting, cast: Cast, plan: ClientPlan): Promise<void> {
  const { lab, act, collector, onLibrary } = starting;
  const host = lab.host(plan.name);
  const tuning = tuningOf(act, plan);
  await tuneHost(host, tuning);
  // Events come after the target is known: the agent does nothing before it is told to.
  let actor: ClientActor | undefined;
  const process = host.spawnModule('services/client/agent', [plan.library], {
    as: `the client agent on ${plan.name}`,
    input: 'pipe',
    onLine: (line) => {
      const event = eventIn<AgentEvent>(line);
      // The library's own words, or those of one of its packages.
      if (event === undefined) return;
      collector.event(plan.name, event);
      if (event.library) onLibrary(plan.name, event.library);
      actor?.hear(event);
    },
  });
  cast.join(plan.name, process);
  await process.line(/"event":"agent"/);
  cast.agents.set(plan.name, (target) => {
    actor = new ClientActor(plan, tuning, target, process, cast.clients.get(plan.name)?.rounds);
    cast.clients.set(plan.name, actor);
  });
}

/** Tells every agent where its connections go. */
async function aim(starting: Starting, cast: Cast): Promise<void> {
  for (const [name, aimAt] of cast.agents) {
    const [target] = await entrancesBehind(starting, cast, name);
    if (target) aimAt({ address: target.address, port: target.port });
  }
  cast.agents.clear();
}

/** Starts a host's programs again, after it has lost them. */
async function startAgain(starting: Starting, cast: Cast, host: HostPlan): Promise<void> {
  if (host.role === 'server') {
    await startServer(starting, cast, host);
    cast.park(host.name);
    return;
  }
  if (host.role === 'middlebox') return startBox(starting, cast, host);
  await startClient(starting, cast, host);
  await aim(starting, cast);
}

/** Starts everybody. @returns once all take connections, and watching has begun */
export async function startAll(starting: Starting, watching: () => Promise<void>): Promise<Cast> {
  const { act, lab, clockJumps } = starting;
  const cast = new Cast(act, (self, host) => startAgain(starting, self, host), clockJumps ? lab.watch : undefined);
  const boxes = async () => {
    for (const box of fromTheFarEnd(act)) await startBox(starting, cast, box);
  };
  const all = Promise.all([
    watching(),
    boxes(),
    ...serversOf(act).map((server) => startServer(starting, cast, server)),
    ...clientsOf(act).map((client) => startClient(starting, cast, client)),
  ]);
  // One that dies after it was ready, while others are still on their way.
  await Promise.race([all, cast.died, lab.watch.died]);
  await aim(starting, cast);
  for (const { name } of serversOf(act)) cast.park(name);
  return cast;
}
