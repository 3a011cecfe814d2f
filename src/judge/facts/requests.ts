// What the clients' agents told of their requests: what each met, and when.
import type { AppEvent } from '../../evidence/read.ts';
import { actionsOf, clientsOf } from '../../plan/plan.ts';
import type { Failure } from '../../talk/failure.ts';
import { indexBy } from './connections.ts';
import { PassageFacts } from './passages.ts';

/**
 * What a request met first: the answer, a failure by its class, a failure whose class nobody recorded (runs from before
 * adapters classified), or nothing until the end.
 */
export type Met = 'answer' | Failure | 'unclassified' | 'nothing';
export type RequestOutcome = 'ok' | 'reset' | 'timeout' | 'closed' | 'other';

export interface Request {
  id: string;
  client: string;
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

const keyOf = (client: string, connection: number) => `${client} ${connection}`;

/** Verbs that open connections of a client's pool. */
const OPENING: ReadonlySet<string> = new Set(['connect', 'connect-and-request']);

export class RequestFacts extends PassageFacts {
  #eventsOf(client: string, connection: number): AppEvent[] {
    const index = this.once('eventsByConnection', () =>
      indexBy(this.evidence.events, (event) =>
        event.connection === undefined ? [] : [keyOf(event.host, event.connection)],
      ),
    );
    return index.get(keyOf(client, connection)) ?? [];
  }

  get requests(): Request[] {
    return this.onceHere('requests', () => {
      const clients = new Set(this.clients);
      return this.evidence.events.flatMap(({ event, id, host, connection, time }) =>
        event === 'request' && id !== undefined && connection !== undefined && clients.has(host)
          ? [this.#request(id, { client: host, connection }, time)]
          : [],
      );
    });
  }

  #request(id: string, { client, connection }: { client: string; connection: number }, startedAt: number): Request {
    const later = this.#eventsOf(client, connection).filter((event) => event.time >= startedAt);
    const local = this.connectionsOf(client, connection).findLast(({ openedAt }) => openedAt <= startedAt)?.local;
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
      client,
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
    return this.onceHere('morning', () => {
      const { quiet } = this;
      if (!quiet) return [];
      const pooled = new Set(this.pool.map(({ client }) => client));
      const first = new Map<string, Request>();
      for (const request of this.requests) {
        const key = keyOf(request.client, request.connection);
        if (request.startedAt > this.midnight && !first.has(key) && pooled.has(request.client)) first.set(key, request);
      }
      return [...first.values()].sort(
        (a, b) => this.clients.indexOf(a.client) - this.clients.indexOf(b.client) || a.connection - b.connection,
      );
    });
  }

  /** The first request after the quiet that was written to a TCP connection, by the client's end. */
  morningOn(local: string): Request | undefined {
    const index = this.onceHere('morningByLocal', () =>
      indexBy(this.morning, (request) => (request.local === undefined ? [] : [request.local])),
    );
    return index.get(local)?.[0];
  }

  /** Why nothing can be said about this act, or undefined: the pool must have been there before anything happened to it. */
  get notReady(): string | undefined {
    return this.onceHere('notReady', () => this.#incomplete() ?? this.#notOpen() ?? this.#unanswered());
  }

  #incomplete(): string | undefined {
    const { lostEvidence } = this.evidence.record;
    if (lostEvidence.cut !== undefined && lostEvidence.cut.length > 0)
      return `a part of the evidence is missing: ${lostEvidence.cut.join('; ')}`;
    if (lostEvidence.frames.length > 0)
      return `the captures lost ${lostEvidence.frames.join(', ')}: this machine was too busy`;
    const untold = (connection: (typeof this.pool)[number]) =>
      this.boxesOf(connection).some(
        ({ name, layer }) => layer === 'L4' && this.flowOf(connection, name)?.destroyed === undefined,
      );
    return lostEvidence.flowEvents && this.pool.some(untold)
      ? 'connection tracking lost events, and the end of a flow may be among them: this machine was too busy'
      : undefined;
  }

  /** How many connections a client had to have before the quiet, by its plan; undefined where it ends some of them itself. */
  #wanted(client: { name: string; connections: number }): number | undefined {
    const { timeline } = this.plan;
    const quiet = timeline.findIndex((step) => step.kind === 'quiet');
    const numbers = new Set<number>();
    for (const step of quiet < 0 ? timeline : timeline.slice(0, quiet))
      for (const { host, action, part, talks } of actionsOf(step)) {
        if (host !== client.name) continue;
        if (talks === 'ends') return quiet < 0 ? client.connections : undefined;
        const { from, count } = part ?? { from: 0, count: client.connections };
        if (OPENING.has(action)) for (let number = from; number < from + count; number++) numbers.add(number);
      }
    return numbers.size;
  }

  #notOpen(): string | undefined {
    const through = (name: string) => this.about.box === undefined || this.pathOf(name)?.boxes.includes(this.about.box);
    const clients = clientsOf(this.plan).filter(({ name }) => this.clients.includes(name) && through(name));
    const wanted = clients.map((client) => this.#wanted(client));
    const sum = wanted.reduce<number>((total, each) => total + (each ?? 0), 0);
    if (this.pool.length < sum) return `only ${this.pool.length} of ${sum} connections were open before the quiet`;
    return this.pool.length === 0 ? 'no connection was open before the quiet' : undefined;
  }

  /** Why nothing can be said about what requests met, or undefined: each client's agent must have told of some that worked. */
  get requestsNotReady(): string | undefined {
    return this.onceHere('requestsNotReady', () => {
      const silent = this.clients.find((client) => !this.told.has(client));
      if (silent !== undefined) return `nobody told of the requests of ${silent}`;
      return this.requestsBeforeQuiet.length === 0 ? 'no request was made before the quiet' : undefined;
    });
  }

  /** What did not work before anything happened proves nothing afterwards. */
  #unanswered(): string | undefined {
    const bad = this.requestsBeforeQuiet.find((request) => request.outcome !== 'ok');
    return bad ? `request ${bad.id} before the quiet was not answered (${bad.words})` : undefined;
  }

  /** Why nothing can be said about what boxes did, or undefined: each connection must have been told of by one at least. */
  get passagesNotReady(): string | undefined {
    return this.onceHere('passagesNotReady', () => {
      const untold = this.pool.filter(
        (connection) => !this.legsOf(connection).some(({ end }) => this.passagesFrom(end).length > 0),
      ).length;
      return untold > 0 ? `no box told of ${untold} of ${this.pool.length} connections` : undefined;
    });
  }

  /** Why nothing can be said of what these requests met, or undefined: a failure whose class nobody recorded tells nothing. */
  unclassified(requests: readonly Request[]): string | undefined {
    const bare = requests.filter(({ met }) => met === 'unclassified').length;
    return bare > 0
      ? `${bare} of ${requests.length} requests failed in a way that this run's client did not classify: play the scenario again`
      : undefined;
  }
}
