import type { Advice } from '../advice/advice.ts';
import { type Matching, matchSockets } from '../evidence/match.ts';
import type { ActEvidence, AppEvent, FlowChange, ProxyLog, SocketEnd, SocketSample } from '../evidence/read.ts';
import {
  type ActPlan,
  boxesOf,
  type ClientPlan,
  clientsOf,
  connectionsOf,
  hostsOf,
  type MiddleboxPlan,
  ownerOf,
} from '../plan/plan.ts';
import type { StepRecord } from '../stage/record.ts';
import type { Failure } from '../talk/failure.ts';
import { canonicalAddress } from '../wire/address.ts';
import { destinationText, parseEndpoint, sourceText, type Way } from '../wire/endpoint.ts';
import type { Flow } from '../wire/flows.ts';
import type { ProxySession } from '../wire/haproxy-log.ts';
import { findJourneys, type Journey } from '../wire/journeys.ts';
import { nameSegments, type Segment } from '../wire/segments.ts';
import type { Pointer } from './result.ts';

/** One TCP connection of the client library, by its own account. */
export interface ClientConnection {
  connection: number;
  /** The client's end, "address:port". */
  local: string;
  openedAt: number;
  /** When the library said that it was over; undefined while it lives. */
  closedAt: number | undefined;
  /** The failure with which it ended, if any. */
  failure: Failure | 'unclassified' | undefined;
}

/**
 * What a request met first: the answer, a failure by its class, a failure whose class nobody recorded (runs from before
 * adapters classified), or nothing until the end.
 */
export type Met = 'answer' | Failure | 'unclassified' | 'nothing';
export type RequestOutcome = 'ok' | 'reset' | 'timeout' | 'closed' | 'other';

export interface Request {
  id: string;
  connection: number;
  startedAt: number;
  /** The client's end of the connection it was first written to. */
  local: string | undefined;
  /** What it met first: the answer, an error of its connection, or its own timeout. */
  met: Met;
  /** The same, as it is counted. */
  outcome: RequestOutcome;
  /** For people: the failure in the library's own words, and its code alone. */
  words: string;
  code: string;
  outcomeAt: number | undefined;
  repliedAt: number | undefined;
  /** Answered after its connection had failed: the library sent it again. */
  replayed: boolean;
}

/** A flow of the middlebox that served one client connection, from the first to the last thing that is known of it. */
export interface FlowLife {
  local: string;
  /** "address:port" of the broker it led to. */
  server: string;
  /** Longest time, in seconds, the table said it would keep the established flow. */
  patienceSeconds: number;
  /** When, by conntrack's own event, it was gone; and why. */
  destroyed: { time: number; reason: FlowChange['reason'] } | undefined;
}

/** Every value under each of its keys, in their order. */
function indexBy<K, T>(values: readonly T[], keysOf: (value: T) => Iterable<K>): Map<K, T[]> {
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
/** Between the kernel's clock tick and ours. */
const ROUNDING_SECONDS = 0.1;
const OUTCOMES: Readonly<Record<Met, RequestOutcome>> = {
  answer: 'ok',
  reset: 'reset',
  'command-timeout': 'timeout',
  'socket-timeout': 'timeout',
  'kernel-timeout': 'timeout',
  closed: 'closed',
  refused: 'other',
  other: 'other',
  unclassified: 'other',
  nothing: 'other',
};

/** What an event of the client means for the request that waits on its connection. */
function metBy(event: AppEvent | undefined): Met {
  if (event === undefined) return 'nothing';
  if (event.event === 'reply') return 'answer';
  if (event.event === 'close') return 'closed';
  return event.failure ?? 'unclassified';
}

const codeOf = (event: AppEvent | undefined): string =>
  event === undefined
    ? 'no answer'
    : event.event === 'reply'
      ? 'answered'
      : event.event === 'close'
        ? 'closed'
        : (event.code ?? 'error');

/** How those of an act are told what to do, where somebody has written it down. */
export interface ActAdvice {
  client?: Advice | undefined;
  server?: Advice | undefined;
  sysctl?: Advice | undefined;
}

const isProbe = ({ first }: Journey) => first.outgoing && first.name === 'keepalive probe';

/** Everything that checks, outcome and ladder ask of one act's evidence, each computed once, when first asked for. */
export class ActFacts {
  readonly evidence: ActEvidence;
  readonly plan: ActPlan;
  readonly box: MiddleboxPlan;
  readonly client: string;
  readonly brokers: readonly string[];
  readonly advice: ActAdvice;
  readonly #memo = new Map<string, unknown>();

  constructor(evidence: ActEvidence, advice: ActAdvice = {}) {
    this.advice = advice;
    this.evidence = evidence;
    this.plan = evidence.plan;
    this.box = boxesOf(this.plan)[0] as MiddleboxPlan;
    this.client = (clientsOf(this.plan)[0] as ClientPlan).name;
    this.brokers = hostsOf(this.plan, 'server').map((host) => host.name);
  }

  #once<T>(name: string, compute: () => T): T {
    if (!this.#memo.has(name)) this.#memo.set(name, compute());
    return this.#memo.get(name) as T;
  }

  /** Seconds since the beginning of the timeline, to the microsecond. */
  at(time: number): number {
    return Math.round((time - this.evidence.record.from) * 1e6) / 1e6;
  }

  /** A host's name in the scenario file: brokers of a group stand for each other. */
  kindOf(name: string): string {
    const host = this.plan.hosts.find((each) => each.name === name);
    return host === undefined ? name : ownerOf(host);
  }

  /** Hosts of a name in the scenario file: a broker's group means all of them. */
  hostsNamed(name: string): string[] {
    return this.plan.hosts.filter((host) => host.name === name || ownerOf(host) === name).map((host) => host.name);
  }

  get segments(): Segment[] {
    return this.#once('segments', () => nameSegments(this.evidence.packets));
  }

  get journeys(): Journey[] {
    return this.#once('journeys', () => findJourneys(this.segments, (host) => host === this.box.name));
  }

  /**
   * The names of a client's end, "address:port": its own and, behind a middlebox that translates it, those by which the
   * brokers know it.
   */
  namesOf(local: string): ReadonlySet<string> {
    const names = this.#once('names', () => {
      const map = new Map<string, Set<string>>();
      const flows = [...this.evidence.flowEvents, ...this.evidence.flowTables.flatMap((table) => table.flows)];
      for (const { original, reply } of flows) {
        if (!this.#leadsToBroker(reply)) continue;
        const known = map.get(sourceText(original)) ?? new Set([sourceText(original)]);
        map.set(sourceText(original), known.add(destinationText(reply)));
      }
      return map;
    });
    return names.get(local) ?? new Set([local]);
  }

  /** Journeys of one client connection, by the client's end. Behind a proxy: of the client's side. */
  journeysOf(local: string): Journey[] {
    const byEnd = this.#once('journeysByEnd', () => indexBy(this.journeys, ({ hops }) => hops.flatMap(endsOf)));
    const names = this.namesOf(local);
    if (names.size === 1) return byEnd.get(local) ?? [];
    return [...new Set([...names].flatMap((name) => byEnd.get(name) ?? []))].sort(
      (a, b) => a.first.time - b.first.time,
    );
  }

  /** The keepalive probes of one client connection, by the client's end, each counted once, where it was sent. */
  probesOf(local: string): Journey[] {
    return this.journeysOf(local).filter(isProbe);
  }

  /** What was captured of one client connection, by the client's end, at every host, in the order of time. */
  segmentsOf(local: string): Segment[] {
    const byEnd = this.#once('segmentsByEnd', () => indexBy(this.segments, endsOf));
    const names = [...this.namesOf(local)];
    const found = names.map((name) => byEnd.get(name) ?? []);
    return found.length === 1 ? (found[0] as Segment[]) : [...new Set(found.flat())].sort((a, b) => a.time - b.time);
  }

  /** Sockets of one client connection that their kernels destroyed, by the client's end, at every host, in the order of time. */
  endsOf(local: string): SocketEnd[] {
    const byEnd = this.#once('endsByEnd', () =>
      indexBy(this.evidence.ends, ({ socket }) => [socket.local, socket.peer]),
    );
    const found = [...this.namesOf(local)].flatMap((name) => byEnd.get(name) ?? []);
    return [...new Set(found)].sort((a, b) => a.time - b.time);
  }

  /** Whether what goes along a flow ends at a broker. The box's own connections have flows too. */
  #leadsToBroker(reply: { src: string }): boolean {
    const addresses = this.#once(
      'brokerAddresses',
      () => new Set(this.brokers.flatMap((name) => (this.evidence.record.addresses[name] ?? []).map(canonicalAddress))),
    );
    return addresses.has(reply.src);
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

  get connections(): ClientConnection[] {
    return this.#once('connections', () => {
      const all: ClientConnection[] = [];
      const current = new Map<number, ClientConnection>();
      const failures = new Map<number, Failure | 'unclassified'>();
      for (const { event, connection, time, local, failure } of this.evidence.events) {
        if (connection === undefined) continue;
        if (event === 'connect') {
          const opened = { connection, local: local ?? '', openedAt: time, closedAt: undefined, failure: undefined };
          all.push(opened);
          current.set(connection, opened);
          failures.delete(connection);
        } else if (event === 'error') failures.set(connection, failure ?? 'unclassified');
        else if (event === 'close') {
          const closing = current.get(connection);
          if (closing && closing.closedAt === undefined)
            Object.assign(closing, { closedAt: time, failure: failures.get(connection) });
        }
      }
      return all;
    });
  }

  /** The TCP connections that one connection of the pool had, in the order of time. */
  connectionsOf(connection: number): ClientConnection[] {
    const index = this.#once('connectionsByNumber', () => indexBy(this.connections, (each) => [each.connection]));
    return index.get(connection) ?? [];
  }

  #eventsOf(connection: number): AppEvent[] {
    const index = this.#once('eventsByConnection', () =>
      indexBy(this.evidence.events, (event) => (event.connection === undefined ? [] : [event.connection])),
    );
    return index.get(connection) ?? [];
  }

  /** For every connection of the pool, the TCP connection it had at a moment. */
  connectionsAt(time: number): ClientConnection[] {
    const latest = new Map<number, ClientConnection>();
    for (const connection of this.connections)
      if (connection.openedAt <= time) latest.set(connection.connection, connection);
    return [...latest.values()]
      .filter(({ closedAt }) => closedAt === undefined || closedAt > time)
      .sort((a, b) => a.connection - b.connection);
  }

  /** The pool as it went to sleep. */
  get pool(): ClientConnection[] {
    return this.#once('pool', () =>
      this.connectionsAt((this.quiet?.from ?? this.loss?.from ?? this.evidence.record.to) + CLOCKS_SECONDS),
    );
  }

  get requests(): Request[] {
    return this.#once('requests', () => {
      const { events } = this.evidence;
      return events
        .filter((event) => event.event === 'request' && event.id !== undefined && event.connection !== undefined)
        .map(({ id, connection, time }) => this.#request(id as string, connection as number, time));
    });
  }

  #request(id: string, connection: number, startedAt: number): Request {
    const later = this.#eventsOf(connection).filter((event) => event.time >= startedAt);
    const local = this.connectionsOf(connection).findLast(({ openedAt }) => openedAt <= startedAt)?.local;
    const reply = later.find((event) => event.event === 'reply' && event.id === id);
    const first = later.find(
      (event) =>
        event.event === 'error' ||
        event.event === 'close' ||
        ((event.event === 'reply' || event.event === 'failed') && event.id === id),
    );
    const met = metBy(first);
    const code = codeOf(first);
    return {
      id,
      connection,
      startedAt,
      local,
      met,
      outcome: OUTCOMES[met],
      code,
      words: first?.message === undefined ? code : `${code}: ${first.message}`,
      outcomeAt: first?.time,
      repliedAt: reply?.time,
      replayed: reply !== undefined && met !== 'answer',
    };
  }

  /**
   * The middle of the quiet. No request is made in the quiet, so it parts those before from those after, even if the
   * clocks of two processes differ by a millisecond.
   */
  get midnight(): number {
    const { quiet } = this;
    return quiet ? (quiet.from + quiet.to) / 2 : Number.POSITIVE_INFINITY;
  }

  get requestsBeforeQuiet(): Request[] {
    const { quiet } = this;
    return quiet ? this.requests.filter((request) => request.startedAt < this.midnight) : this.requests;
  }

  /** The first request of every connection after the quiet. */
  get morning(): Request[] {
    return this.#once('morning', () => {
      const { quiet } = this;
      if (!quiet) return [];
      const first = new Map<number, Request>();
      for (const request of this.requests)
        if (request.startedAt > this.midnight && !first.has(request.connection)) first.set(request.connection, request);
      return [...first.values()].sort((a, b) => a.connection - b.connection);
    });
  }

  /** The first request after the quiet that was written to a TCP connection, by the client's end. */
  morningOn(local: string): Request | undefined {
    const index = this.#once('morningByLocal', () =>
      indexBy(this.morning, (request) => (request.local === undefined ? [] : [request.local])),
    );
    return index.get(local)?.[0];
  }

  /** Why nothing can be said about this act, or undefined: the pool must have worked before anything happened to it. */
  get notReady(): string | undefined {
    return this.#once('notReady', () => this.#notReady());
  }

  #notReady(): string | undefined {
    const { lostEvidence } = this.evidence.record;
    if (lostEvidence.cut !== undefined && lostEvidence.cut.length > 0)
      return `a part of the evidence is missing: ${lostEvidence.cut.join('; ')}`;
    if (lostEvidence.frames.length > 0)
      return `the captures lost ${lostEvidence.frames.join(', ')}: this machine was too busy`;
    if (lostEvidence.flowEvents && this.pool.some((connection) => this.flowOf(connection)?.destroyed === undefined))
      return 'connection tracking lost events, and the end of a flow may be among them: this machine was too busy';
    const wanted = connectionsOf(this.plan);
    const before = this.requestsBeforeQuiet;
    const bad = before.find((request) => request.outcome !== 'ok');
    if (this.pool.length < wanted)
      return `only ${this.pool.length} of ${wanted} connections were open before the quiet`;
    if (before.length === 0) return 'no request was made before the quiet';
    return bad ? `request ${bad.id} before the quiet was not answered (${bad.words})` : undefined;
  }

  /** Why nothing can be said of what these requests met, or undefined: a failure whose class nobody recorded tells nothing. */
  unclassified(requests: readonly Request[]): string | undefined {
    const bare = requests.filter(({ met }) => met === 'unclassified').length;
    return bare > 0
      ? `${bare} of ${requests.length} requests failed in a way that this run's client did not classify: play the scenario again`
      : undefined;
  }

  #flowEventsOf(local: string): FlowChange[] {
    const byEnd = this.#once('flowEventsByEnd', () =>
      indexBy(this.evidence.flowEvents, ({ original, reply }) =>
        this.#leadsToBroker(reply) ? [sourceText(original)] : [],
      ),
    );
    return byEnd.get(local) ?? [];
  }

  /** An established flow, by its id, as looks at the table found it. */
  #looksAtFlow(id: number): { time: number; flow: Flow }[] {
    const index = this.#once('looksById', () =>
      indexBy(
        this.evidence.flowTables.flatMap(({ time, flows }) =>
          flows.filter(({ state }) => state === 'ESTABLISHED').map((flow) => ({ time, flow })),
        ),
        ({ flow }) => [flow.id],
      ),
    );
    return index.get(id) ?? [];
  }

  /** The looks at a table that has no events, with its established flows by the client's end. */
  get #trackerLooks(): { time: number; flows: ReadonlyMap<string, Flow> }[] {
    return this.#once('trackerLooks', () =>
      this.evidence.flowTables
        .filter(({ tracker }) => tracker !== undefined)
        .map(({ time, flows }) => ({
          time,
          flows: new Map(
            flows
              .filter(({ state }) => state === 'ESTABLISHED')
              .map((flow) => [sourceText(flow.original), flow] as const)
              // The first of several counts.
              .reverse(),
          ),
        })),
    );
  }

  /** The flow that served a client connection before its quiet, undefined where no middlebox told of one. */
  flowOf({ local, openedAt }: ClientConnection): FlowLife | undefined {
    const until = this.quiet?.to ?? this.evidence.record.to;
    const events = this.#flowEventsOf(local).filter((event) => event.time >= openedAt - 1);
    const born = events.find((event) => event.event === 'NEW' && event.state === 'SYN_SENT');
    if (!born) return this.#flowFromTables(local, openedAt);
    const mine = events.filter((event) => event.id === born.id);
    const destroyed = mine.find((event) => event.event === 'DESTROY');
    // The table shows the whole seconds that are left, so what was there at first is that and the silence before the look.
    const seen = this.journeysOf(local).flatMap((journey) => journey.hops.filter((hop) => hop.host === this.box.name));
    const patience = this.#looksAtFlow(born.id)
      .filter(({ time }) => time <= until)
      .flatMap(({ time, flow }) => {
        const last = seen.filter((hop) => hop.time <= time).at(-1);
        return last ? [Math.ceil((flow.expiresIn ?? 0) + time - last.time - ROUNDING_SECONDS)] : [];
      });
    return {
      local,
      server: sourceText(born.reply),
      patienceSeconds: Math.max(0, ...patience),
      destroyed: destroyed && { time: destroyed.time, reason: destroyed.reason },
    };
  }

  /**
   * A flow that only looks at a table tell of (IPVS has no events). It was gone at the first look that missed it; by its
   * timer, if neither end had said goodbye by then.
   */
  #flowFromTables(local: string, openedAt: number): FlowLife | undefined {
    const until = this.quiet?.to ?? this.evidence.record.to;
    const looks = this.#trackerLooks
      .filter(({ time }) => time >= openedAt)
      .map(({ time, flows }) => ({ time, flow: flows.get(local) }));
    const first = looks.findIndex(({ flow }) => flow !== undefined);
    const born = looks[first]?.flow;
    if (!born) return undefined;
    const missed = looks.slice(first).find(({ flow }) => !flow || sourceText(flow.reply) !== sourceText(born.reply));
    const hops = this.journeysOf(local)
      .flatMap((journey) => journey.hops.filter((hop) => hop.host === this.box.name))
      .sort((a, b) => a.time - b.time);
    const closing = hops.some(({ time, flags }) => /[FR]/.test(flags) && missed !== undefined && time < missed.time);
    const patience = looks.flatMap(({ time, flow }) => {
      const last = hops.filter((hop) => hop.time <= time).at(-1);
      return flow && last && time <= until
        ? [Math.ceil((flow.expiresIn ?? 0) + time - last.time - ROUNDING_SECONDS)]
        : [];
    });
    return {
      local,
      server: sourceText(born.reply),
      patienceSeconds: Math.max(0, ...patience),
      destroyed: missed && { time: missed.time, reason: closing ? 'closed' : 'idle-timeout' },
    };
  }

  /**
   * For how long the middlebox itself said it would remember an idle connection, seconds: conntrack's timer or the
   * proxy's, as looked at while the pool was quiet. Undefined where it said nothing.
   */
  patienceOf(connection: ClientConnection): number | undefined {
    const flow = this.flowOf(connection);
    if (flow) return flow.patienceSeconds;
    const { quiet } = this;
    const told = this.sessionsOf(connection.local)
      .filter(({ time }) => quiet && time >= quiet.from && time <= quiet.to + 0.5)
      .flatMap(({ session }) => session.expiresIn ?? []);
    // The proxy rounds down to whole seconds.
    return told.length > 0 ? Math.max(...told) + 1 : undefined;
  }

  /** The proxy's session of a client connection, by the client's end, as looks at it found it. */
  sessionsOf(local: string): { time: number; session: ProxySession }[] {
    const index = this.#once('sessionsByClient', () =>
      indexBy(
        this.evidence.proxySessions.flatMap(({ time, sessions }) => sessions.map((session) => ({ time, session }))),
        ({ session }) => [session.client],
      ),
    );
    return index.get(local) ?? [];
  }

  /** What the proxy's log says of a client connection, by the client's end. */
  proxyLogOf(local: string): ProxyLog | undefined {
    const index = this.#once('logByClient', () =>
      indexBy(this.evidence.proxyLog, ({ session }) => (session ? [session.client] : [])),
    );
    return index.get(local)?.[0];
  }

  /**
   * The first segment that met a middlebox which had forgotten its flow, for each connection of the pool: what it was,
   * and the reset with which it was answered, if it was.
   */
  get latePackets(): { connection: ClientConnection; flow: FlowLife; late: Journey; answer: Journey | undefined }[] {
    return this.#once('late', () =>
      this.pool.flatMap((connection) => {
        const flow = this.flowOf(connection);
        if (flow?.destroyed?.reason !== 'idle-timeout') return [];
        const gone = flow.destroyed.time;
        const after = this.journeysOf(connection.local).filter((journey) => journey.first.time > gone);
        const late = after.find((journey) => journey.first.outgoing && journey.from !== this.box.name);
        if (!late) return [];
        const answer = after.find(
          (journey) =>
            journey.first.time >= late.first.time && journey.first.flags.includes('R') && journey.to === late.from,
        );
        return [{ connection, flow, late, answer }];
      }),
    );
  }

  /** The host that owns an end; the bare address where none does. */
  hostOf(end: string): string {
    const address = parseEndpoint(end)?.address ?? end;
    const { addresses } = this.evidence.record;
    return (
      Object.keys(addresses).find((name) => addresses[name]?.some((each) => canonicalAddress(each) === address)) ??
      address
    );
  }

  get samples(): SocketSample[][] {
    return this.#once('samples', () => {
      const groups = new Map<number, SocketSample[]>();
      for (const sample of this.evidence.samples)
        groups.set(sample.sample, [...(groups.get(sample.sample) ?? []), sample]);
      return [...groups.values()];
    });
  }

  get lastLook(): SocketSample[] {
    return this.samples.at(-1) ?? [];
  }

  get matchingAtEnd(): Matching {
    return this.#once('matching', () => matchSockets(this.evidence, this.lastLook));
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

  packet(segment: Segment, note: string): Pointer {
    return { packet: segment.n, note };
  }

  /** Keepalive probes, each counted once, where it was sent. */
  get probes(): Journey[] {
    return this.#once('probes', () => this.journeys.filter(isProbe));
  }
}
