// What packets and sockets alone tell of the clients' connections, from the handshake to the last segment: nobody need have
// told anything.
import { type Matching, matchSockets } from '../../evidence/match.ts';
import { hostsByAddress, type Passage, type Passages, passagesOf } from '../../evidence/passages.ts';
import type { ActEvidence, SocketEnd, SocketSample } from '../../evidence/read.ts';
import type { PathPlan } from '../../plan/paths.ts';
import { type ActPlan, boxesOf, clientsOf, hostsOf, type MiddleboxPlan, ownerOf } from '../../plan/plan.ts';
import type { StepRecord } from '../../stage/record.ts';
import type { Failure } from '../../talk/failure.ts';
import { destinationText, parseEndpoint, sourceText, type Way } from '../../wire/endpoint.ts';
import { findJourneys, type Journey } from '../../wire/journeys.ts';
import { nameSegments, type Segment } from '../../wire/segments.ts';

/** One TCP connection of a client. */
export interface ClientConnection {
  /** The client's host. */
  client: string;
  /** By number in the client's pool, as its agent counts; without one, in the order in which they were opened. */
  connection: number;
  /** The client's end, "address:port". */
  local: string;
  openedAt: number;
  /** When it was over; undefined while it lives. */
  closedAt: number | undefined;
  /** The failure with which it ended by the library's own account, if any. */
  failure: Failure | 'unclassified' | undefined;
}

/** A part of a connection between two TCP ends: behind a proxy another one begins. */
export interface Leg {
  /** The end nearer to the client, "address:port". */
  end: string;
  /** Its host: the client, or a proxy. */
  from: string;
}

/** Every value under each of its keys, in their order. */
export function indexBy<K, T>(values: readonly T[], keysOf: (value: T) => Iterable<K>): Map<K, T[]> {
  const index = new Map<K, T[]>();
  for (const value of values)
    for (const key of new Set(keysOf(value))) {
      const list = index.get(key);
      if (list) list.push(value);
      else index.set(key, [value]);
    }
  return index;
}

const endsOf = (way: Way) => [sourceText(way), destinationText(way)];
/** By so much the clocks of two processes, the lab's and the client's, may differ at most; nothing happens so soon. */
const CLOCKS_SECONDS = 0.05;

export const isProbe = ({ first }: Journey): boolean => first.outgoing && first.name === 'keepalive probe';

/** What is computed once and asked often, of one act. */
export class Memo {
  readonly #known = new Map<string, unknown>();

  once<T>(name: string, compute: () => T): T {
    if (!this.#known.has(name)) this.#known.set(name, compute());
    return this.#known.get(name) as T;
  }
}

/** Whom a check is asked about: one client of several, one box of several. */
export interface About {
  client?: string | undefined;
  box?: string | undefined;
}

export class ConnectionFacts {
  readonly evidence: ActEvidence;
  readonly plan: ActPlan;
  readonly about: About;
  readonly servers: readonly string[];
  readonly clients: readonly string[];
  readonly #boxes: ReadonlyMap<string, MiddleboxPlan>;
  readonly #memo: Memo;

  /** @param memo what other questions about the same act have found already */
  constructor(evidence: ActEvidence, about: About, memo: Memo) {
    this.evidence = evidence;
    this.plan = evidence.plan;
    this.about = about;
    this.#memo = memo;
    this.servers = hostsOf(this.plan, 'server').map(({ name }) => name);
    this.#boxes = new Map(boxesOf(this.plan).map((box) => [box.name, box]));
    const all = clientsOf(this.plan).map(({ name }) => name);
    this.clients = all.filter((name) => about.client === undefined || name === about.client);
  }

  protected once<T>(name: string, compute: () => T): T {
    return this.#memo.once(name, compute);
  }

  /** Computed once for whom this is about. */
  protected onceHere<T>(name: string, compute: () => T): T {
    return this.#memo.once(`${name} of ${this.about.client ?? '*'} at ${this.about.box ?? '*'}`, compute);
  }

  /** Seconds since the beginning of the timeline, to the microsecond. */
  at(time: number): number {
    return Math.round((time - this.evidence.record.from) * 1e6) / 1e6;
  }

  /** A host's name in the scenario file: servers of a group stand for each other. */
  kindOf(name: string): string {
    const host = this.plan.hosts.find((each) => each.name === name);
    return host === undefined ? name : ownerOf(host);
  }

  /** Hosts of a name in the scenario file: a server's group means all of them. */
  hostsNamed(name: string): string[] {
    return this.plan.hosts.filter((host) => host.name === name || ownerOf(host) === name).map((host) => host.name);
  }

  isBox(host: string): boolean {
    return this.#boxes.has(host);
  }

  box(host: string): MiddleboxPlan | undefined {
    return this.#boxes.get(host);
  }

  pathOf(client: string): PathPlan | undefined {
    return this.plan.paths.find((path) => path.client === client);
  }

  /** The boxes that a client's connections pass, in the order in which they pass them. */
  boxesOf({ client }: Pick<ClientConnection, 'client'>): MiddleboxPlan[] {
    return (this.pathOf(client)?.boxes ?? []).flatMap((name) => this.#boxes.get(name) ?? []);
  }

  /**
   * The box that a check is about, for one connection: the one asked for, or the one on its path with the shortest idle timeout.
   * @param layer only boxes of this layer
   */
  boxOn(connection: Pick<ClientConnection, 'client'>, layer?: MiddleboxPlan['layer']): MiddleboxPlan | undefined {
    const boxes = this.boxesOf(connection).filter(
      (box) => (layer === undefined || box.layer === layer) && (this.about.box ?? box.name) === box.name,
    );
    return boxes.reduce<MiddleboxPlan | undefined>(
      (shortest, box) =>
        shortest === undefined || box.timers.idleSeconds < shortest.timers.idleSeconds ? box : shortest,
      undefined,
    );
  }

  /** The boxes that a check is about, each once. */
  boxesAsked(layer?: MiddleboxPlan['layer']): MiddleboxPlan[] {
    return [...new Set(this.clients.flatMap((client) => this.boxOn({ client }, layer) ?? []))];
  }

  /** The same in words: "nlb", "nlb and proxy". */
  boxNames(layer?: MiddleboxPlan['layer']): string {
    return this.boxesAsked(layer)
      .map(({ name }) => name)
      .join(' and ');
  }

  /** The clients in words. */
  get clientNames(): string {
    return this.clients.join(' and ');
  }

  get segments(): Segment[] {
    return this.once('segments', () => nameSegments(this.evidence.packets));
  }

  get journeys(): Journey[] {
    return this.once('journeys', () => findJourneys(this.segments, (host) => this.isBox(host)));
  }

  get passages(): Passages {
    return this.once('passages', () => passagesOf(this.evidence));
  }

  /** Passages that begin at an end, of flows and of sessions. */
  protected passagesFrom(end: string): readonly Passage[] {
    const index = this.once('passagesFrom', () => indexBy(this.passages.all, (passage) => [sourceText(passage.in)]));
    return index.get(end) ?? [];
  }

  /** The names of an end, "address:port": its own and, behind boxes that translate it, those by which what stands behind knows it. */
  namesOf(local: string): ReadonlySet<string> {
    const known = this.once('names', () => new Map<string, ReadonlySet<string>>());
    const found = known.get(local);
    if (found !== undefined) return found;
    const names = new Set([local]);
    for (const name of names)
      for (const { by, out } of this.passagesFrom(name)) if (by !== 'session') names.add(sourceText(out));
    known.set(local, names);
    return names;
  }

  /** The parts of a connection, from the client on: the first up to the first proxy, or to the server. */
  legsOf({ client, local }: Pick<ClientConnection, 'client' | 'local'>): Leg[] {
    const legs: Leg[] = [{ end: local, from: client }];
    for (const leg of legs)
      for (const name of this.namesOf(leg.end))
        for (const { by, box, out } of this.passagesFrom(name)) {
          const end = sourceText(out);
          if (by === 'session' && !legs.some((each) => each.end === end)) legs.push({ end, from: box });
        }
    return legs;
  }

  /** Journeys of one leg, by its end. */
  journeysOf(end: string): Journey[] {
    const byEnd = this.once('journeysByEnd', () => indexBy(this.journeys, ({ hops }) => hops.flatMap(endsOf)));
    const names = this.namesOf(end);
    if (names.size === 1) return byEnd.get(end) ?? [];
    return [...new Set([...names].flatMap((name) => byEnd.get(name) ?? []))].sort(
      (a, b) => a.first.time - b.first.time,
    );
  }

  /** The keepalive probes of one leg, by its end, each counted once, where it was sent. */
  probesOf(end: string): Journey[] {
    return this.journeysOf(end).filter(isProbe);
  }

  /** What was captured of one leg, by its end, at every host, in the order of time. */
  segmentsOf(end: string): Segment[] {
    const byEnd = this.once('segmentsByEnd', () => indexBy(this.segments, endsOf));
    const found = [...this.namesOf(end)].map((name) => byEnd.get(name) ?? []);
    return found.length === 1 ? (found[0] as Segment[]) : [...new Set(found.flat())].sort((a, b) => a.time - b.time);
  }

  /** Sockets of one leg that their kernels destroyed, by its end, at every host, in the order of time. */
  endsOf(end: string): SocketEnd[] {
    const byEnd = this.once('endsByEnd', () =>
      indexBy(this.evidence.ends, ({ socket }) => [socket.local, socket.peer]),
    );
    const found = [...this.namesOf(end)].flatMap((name) => byEnd.get(name) ?? []);
    return [...new Set(found)].sort((a, b) => a.time - b.time);
  }

  /** The timeline's quiet time: its longest. */
  get quiet(): StepRecord | undefined {
    return this.evidence.record.steps
      .filter((step) => step.kind === 'quiet')
      .sort((a, b) => b.to - b.from - (a.to - a.from))[0];
  }

  /** The first step at which the peer, or the way to it, was taken away from the other end. */
  get loss(): StepRecord | undefined {
    return this.evidence.record.steps.find(
      (step) => 'actions' in step && step.actions.some(({ takesAway }) => takesAway !== 'nothing'),
    );
  }

  /** Clients whose agents told of their connections. */
  get told(): ReadonlySet<string> {
    return this.once(
      'told',
      () => new Set(this.evidence.events.flatMap(({ event, host }) => (event === 'connect' ? [host] : []))),
    );
  }

  /** All connections of the clients, in the order in which they were opened. */
  get connections(): ClientConnection[] {
    return this.onceHere('connections', () => {
      const seen = this.clients.filter((client) => !this.told.has(client)).flatMap((client) => this.#seen(client));
      const all = seen.length === 0 ? this.#agents() : [...this.#agents(), ...seen];
      return all.sort((a, b) => a.openedAt - b.openedAt);
    });
  }

  /** By the agents' own account. */
  #agents(): ClientConnection[] {
    const all: ClientConnection[] = [];
    const current = new Map<string, ClientConnection>();
    const failures = new Map<string, Failure | 'unclassified'>();
    const clients = new Set(this.clients);
    for (const { event, host: client, connection, time, local, failure } of this.evidence.events) {
      if (connection === undefined || !clients.has(client)) continue;
      const key = `${client} ${connection}`;
      if (event === 'connect') {
        const opened = { client, connection, local: local ?? '', openedAt: time, closedAt: undefined };
        all.push({ ...opened, failure: undefined });
        current.set(key, all.at(-1) as ClientConnection);
        failures.delete(key);
      } else if (event === 'error') failures.set(key, failure ?? 'unclassified');
      else if (event === 'close') {
        const closing = current.get(key);
        if (closing && closing.closedAt === undefined)
          Object.assign(closing, { closedAt: time, failure: failures.get(key) });
      }
    }
    return all;
  }

  /** By what was captured at a client: from its SYN, once that was answered, to a RST or to FINs of both sides. */
  #seen(client: string): ClientConnection[] {
    const all: ClientConnection[] = [];
    const asked = new Set<string>();
    const open = new Map<string, { connection: ClientConnection; fins: Set<boolean> }>();
    for (const segment of this.segments) {
      if (segment.host !== client || segment.interface === 'lo') continue;
      const { flags, outgoing, time } = segment;
      const local = outgoing ? sourceText(segment) : destinationText(segment);
      if (outgoing && flags === 'S') {
        asked.add(local);
        open.delete(local);
      } else if (!outgoing && flags.includes('S') && flags.includes('A') && asked.delete(local)) {
        const connection = { client, connection: all.length, local, openedAt: time, closedAt: undefined };
        all.push({ ...connection, failure: undefined });
        open.set(local, { connection: all.at(-1) as ClientConnection, fins: new Set() });
      }
      const here = open.get(local);
      if (here === undefined) continue;
      if (flags.includes('F')) here.fins.add(outgoing);
      if (!flags.includes('R') && here.fins.size < 2) continue;
      here.connection.closedAt = time;
      open.delete(local);
    }
    return all;
  }

  /** The TCP connections that one connection of a pool had, in the order of time. */
  connectionsOf(client: string, connection: number): ClientConnection[] {
    const index = this.onceHere('connectionsByNumber', () =>
      indexBy(this.connections, (each) => [`${each.client} ${each.connection}`]),
    );
    return index.get(`${client} ${connection}`) ?? [];
  }

  /** For every connection of the pools, the TCP connection it had at a moment. */
  connectionsAt(time: number): ClientConnection[] {
    const latest = new Map<string, ClientConnection>();
    for (const connection of this.connections)
      if (connection.openedAt <= time) latest.set(`${connection.client} ${connection.connection}`, connection);
    return [...latest.values()]
      .filter(({ closedAt }) => closedAt === undefined || closedAt > time)
      .sort((a, b) => this.clients.indexOf(a.client) - this.clients.indexOf(b.client) || a.connection - b.connection);
  }

  /** The pools as they went to sleep; of one box, the connections whose path leads through it. */
  get pool(): ClientConnection[] {
    return this.onceHere('pool', () => {
      const all = this.connectionsAt((this.quiet?.from ?? this.loss?.from ?? this.evidence.record.to) + CLOCKS_SECONDS);
      const { box } = this.about;
      return box === undefined ? all : all.filter(({ client }) => this.pathOf(client)?.boxes.includes(box));
    });
  }

  /** The host that owns an end; the bare address where none does. */
  hostOf(end: string): string {
    const hosts = this.once('hosts', () => hostsByAddress(this.evidence.record.addresses));
    const address = parseEndpoint(end)?.address ?? end;
    return hosts.get(address) ?? address;
  }

  get samples(): SocketSample[][] {
    return this.once('samples', () => [...indexBy(this.evidence.samples, ({ sample }) => [sample]).values()]);
  }

  get lastLook(): SocketSample[] {
    return this.samples.at(-1) ?? [];
  }

  /** Matches the sockets of one look. */
  matching(look: readonly SocketSample[]): Matching {
    return this.once(`matching ${look[0]?.sample}`, () => matchSockets(this.evidence, look, this.passages));
  }

  get matchingAtEnd(): Matching {
    return this.matching(this.lastLook);
  }

  /** The first look at all sockets in the quiet, or the first of all. */
  get lookInQuiet(): SocketSample[] {
    const { quiet } = this;
    return (
      this.samples.find(
        (group) => quiet && group.every((sample) => sample.time >= quiet.from && sample.time <= quiet.to + 0.5),
      ) ??
      this.samples[0] ??
      []
    );
  }

  packet(segment: Segment, note: string): { packet: number; note: string } {
    return { packet: segment.n, note };
  }

  /** Keepalive probes of all hosts, each counted once, where it was sent. */
  get probes(): Journey[] {
    return this.once('probes', () => this.journeys.filter(isProbe));
  }
}
