// What boxes told of the clients' connections: how long each would remember them, when it forgot them, and what met the first
// packet after that.
import type { Passage } from '../../evidence/passages.ts';
import type { ProxyLog } from '../../evidence/read.ts';
import type { MiddleboxPlan } from '../../plan/plan.ts';
import { destinationText, endText, sourceText } from '../../wire/endpoint.ts';
import type { Journey } from '../../wire/journeys.ts';
import { type ClientConnection, ConnectionFacts, indexBy, type Leg } from './connections.ts';

/** A flow of a box that served one connection, from the first to the last thing that is known of it. */
export interface FlowLife {
  box: string;
  leg: Leg;
  /** "address:port" to which it led. */
  server: string;
  /**
   * For how long the box would remember it, seconds: by its table, or by when it forgot it. Undefined where neither tells: a box
   * with timers of its own does not show them.
   */
  patienceSeconds: number | undefined;
  /** When it was gone, and why. */
  destroyed: { time: number; reason: Passage['why'] } | undefined;
}

/** The first packet after a box had forgotten its flow. */
export interface LatePacket {
  connection: ClientConnection;
  /** Of the box that forgot first. */
  flow: FlowLife;
  /** All boxes that had forgotten it by then, the first one first. */
  forgotten: string[];
  late: Journey;
  /** The RST that it got, if any. */
  answer: Journey | undefined;
  /** Ends of the connection that neither a RST nor a FIN reached after the expiry. */
  untold: string[];
}

/** Between the kernel's clock tick and ours. */
const ROUNDING_SECONDS = 0.1;
/** A flow's beginning may be told a little before or after its connection's. */
const OPENING_SECONDS = 1;

export class PassageFacts extends ConnectionFacts {
  /** Until when the first silence is watched. */
  get #until(): number {
    return this.quiet?.to ?? this.evidence.record.to;
  }

  /** Passages of a connection at a box, with the leg they are of. */
  #passagesAt(connection: ClientConnection, box: string): { leg: Leg; passage: Passage }[] {
    return this.legsOf(connection).flatMap((leg) =>
      [...this.namesOf(leg.end)].flatMap((name) =>
        this.passagesFrom(name)
          .filter((passage) => passage.box === box)
          .map((passage) => ({ leg, passage })),
      ),
    );
  }

  /** The flow that served a connection at a box before its quiet; undefined where the box told of none. */
  flowOf(connection: ClientConnection, box: string): FlowLife | undefined {
    return this.once(`flow of ${connection.client} ${connection.local} ${connection.openedAt} at ${box}`, () =>
      this.#flowOf(connection, box),
    );
  }

  #flowOf(connection: ClientConnection, box: string): FlowLife | undefined {
    const mine = this.#passagesAt(connection, box).filter(
      ({ passage }) =>
        passage.by !== 'session' &&
        (passage.by === 'conntrack'
          ? passage.opened === true && (passage.until ?? connection.openedAt) > connection.openedAt - OPENING_SECONDS
          : passage.from >= connection.openedAt),
    );
    // Of those that lived then, the last that had begun: a library that opens thousands tells of each seconds after its SYN.
    const born =
      mine.findLast(
        ({ passage }) => passage.by === 'conntrack' && passage.from <= connection.openedAt + OPENING_SECONDS,
      ) ?? mine[0];
    if (born === undefined) return undefined;
    const { leg, passage } = born;
    const hops = this.journeysOf(leg.end)
      .flatMap((journey) => journey.hops.filter((hop) => hop.host === box))
      .sort((a, b) => a.time - b.time);
    return {
      box,
      leg,
      server: destinationText(passage.out),
      patienceSeconds: this.#toldPatience(leg, passage, hops),
      destroyed:
        passage.until === undefined
          ? undefined
          : { time: passage.until, reason: passage.why ?? this.#reasonOf(passage, hops) },
    };
  }

  #toldPatience(leg: Leg, passage: Passage, hops: Journey['hops']): number | undefined {
    const box = this.box(passage.box);
    if (passage.timer !== undefined && passage.until !== undefined) {
      const { until, timer, why } = passage;
      const names = this.namesOf(leg.end);
      const refreshes = ({ length, src, sport, time }: Journey['hops'][number]) =>
        time < until &&
        (box?.refreshedBy !== 'data' || length > 0) &&
        (timer.side === 'both' || (timer.side === 'client') === names.has(endText(src, sport)));
      const since = why === 'life' ? passage.from : hops.findLast(refreshes)?.time;
      return since === undefined ? undefined : Math.round(until - since);
    }
    if (box !== undefined && (box.timers.sides !== undefined || box.refreshedBy === 'data')) return undefined;
    // The table shows the whole seconds that are left, so what was there at first is that and the silence before the look.
    const patience = passage.looks
      .filter(({ time, state }) => time <= this.#until && (state === undefined || state === 'ESTABLISHED'))
      .flatMap(({ time, expiresIn }) => {
        const last = hops.findLast((hop) => hop.time <= time);
        return last ? [Math.ceil((expiresIn ?? 0) + time - last.time - ROUNDING_SECONDS)] : [];
      });
    return Math.max(0, ...patience);
  }

  /** Why a flow was gone from a table that has no events: by its timer, if neither end had said goodbye by then. */
  #reasonOf({ until = 0, from }: Passage, hops: Journey['hops']): Passage['why'] {
    const goodbye = hops.some(({ time, flags }) => /[FR]/.test(flags) && time < until && time >= from);
    return goodbye ? 'closed' : 'idle-timeout';
  }

  /** The flows of a connection that L4 boxes on its path had forgotten by their timers, the first one first. */
  forgottenFlows(connection: ClientConnection): FlowLife[] {
    return this.boxesOf(connection)
      .flatMap(({ name }) => this.flowOf(connection, name) ?? [])
      .filter(({ destroyed }) => destroyed?.reason === 'idle-timeout' || destroyed?.reason === 'life')
      .sort((a, b) => (a.destroyed?.time ?? 0) - (b.destroyed?.time ?? 0));
  }

  /**
   * For how long a box itself said it would remember an idle connection, seconds: by its table's timer or its session's, as
   * looked at while the pool was quiet. Undefined where it said nothing.
   */
  patienceAt(connection: ClientConnection, box: string): number | undefined {
    const flow = this.flowOf(connection, box);
    if (flow) return flow.patienceSeconds;
    const { quiet } = this;
    const told = this.#passagesAt(connection, box)
      .flatMap(({ passage }) => (passage.by === 'session' ? passage.looks : []))
      .filter(({ time }) => quiet && time >= quiet.from && time <= quiet.to + 0.5)
      .flatMap(({ expiresIn }) => expiresIn ?? []);
    // A proxy rounds down to whole seconds.
    return told.length > 0 ? Math.max(...told) + 1 : undefined;
  }

  /** The shortest time for which a box on its path said it would remember a connection; undefined where none said anything. */
  patienceOf(connection: ClientConnection): { box: string; seconds: number } | undefined {
    const { box: wanted } = this.about;
    const told = this.boxesOf(connection).flatMap(({ name }) => {
      const seconds = wanted === undefined || wanted === name ? this.patienceAt(connection, name) : undefined;
      return seconds === undefined ? [] : [{ box: name, seconds }];
    });
    return told.sort((a, b) => a.seconds - b.seconds)[0];
  }

  /** The sessions of a connection at a proxy. */
  sessionsOf(connection: ClientConnection, box: string): Passage[] {
    return this.#passagesAt(connection, box).flatMap(({ passage }) => (passage.by === 'session' ? [passage] : []));
  }

  /** Whether a proxy's log says why it ended its sessions. */
  logs(box: string): boolean {
    return this.evidence.proxyLog.some(({ host, session }) => host === box && session !== undefined);
  }

  /** What a proxy's log says of a connection, as the proxy knows its end. */
  proxyLogOf(connection: ClientConnection, box: string): ProxyLog | undefined {
    const index = this.once('logByClient', () =>
      indexBy(this.evidence.proxyLog, ({ session, host }) => (session ? [`${host} ${session.client}`] : [])),
    );
    for (const leg of this.legsOf(connection))
      for (const name of this.namesOf(leg.end)) {
        const found = index.get(`${box} ${name}`)?.[0];
        if (found) return found;
      }
    return undefined;
  }

  /** The leg of a connection that ends at a proxy, and the one that begins there; undefined where it is not known. */
  legsAt(connection: ClientConnection, proxy: MiddleboxPlan): { near: Leg; far: Leg | undefined } {
    const legs = this.legsOf(connection);
    const far = legs.find(({ from }) => from === proxy.name);
    const session = this.sessionsOf(connection, proxy.name).at(-1);
    const near = session && legs.find(({ end }) => this.namesOf(end).has(sourceText(session.in)));
    return { near: near ?? (legs[0] as Leg), far };
  }

  /**
   * For each connection of the pool, the first segment that an end sent after a box had forgotten its flow; of several boxes,
   * after the first one that did.
   */
  get latePackets(): LatePacket[] {
    return this.onceHere('late', () =>
      this.pool.flatMap((connection): LatePacket[] => {
        const { box } = this.about;
        const flows = this.forgottenFlows(connection).filter((each) => box === undefined || each.box === box);
        const [flow] = flows;
        if (flow?.destroyed === undefined) return [];
        const gone = flow.destroyed.time;
        const after = this.journeysOf(flow.leg.end).filter((journey) => journey.first.time > gone);
        const isEnd = (host: string) => host === flow.leg.from || this.box(host)?.layer !== 'L4';
        const late = after.find((journey) => journey.first.outgoing && isEnd(journey.from));
        if (!late) return [];
        const answer = after.find(
          (journey) =>
            journey.first.time >= late.first.time && journey.first.flags.includes('R') && journey.to === late.from,
        );
        const goodbyes = new Set(after.flatMap(({ first, to }) => (/[FR]/.test(first.flags) ? [to] : [])));
        const ends = [flow.leg.from, this.hostOf(flow.server)];
        return [
          {
            connection,
            flow,
            forgotten: flows.flatMap((each) => ((each.destroyed?.time ?? 0) <= late.first.time ? [each.box] : [])),
            late,
            answer,
            untold: ends.filter((end) => !goodbyes.has(end)),
          },
        ];
      }),
    );
  }
}
