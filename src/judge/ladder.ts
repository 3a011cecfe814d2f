import { formatDuration } from '../base/duration.ts';
import { matchSockets } from '../evidence/match.ts';
import type { AppEvent, SocketSample } from '../evidence/read.ts';
import { keyBetween, sourceText } from '../wire/endpoint.ts';
import type { Journey } from '../wire/journeys.ts';
import type { SegmentName } from '../wire/segments.ts';
import type { ActFacts } from './facts.ts';
import { foldCycles, foldRuns, type Item, markSilence } from './fold.ts';
import { type Finding, LADDER_EVENTS, type Ladder, type LadderEvent } from './result.ts';

/** The steps in which a client opens its connections. */
const OPENING: ReadonlySet<string> = new Set(['connect', 'connect-and-request']);

/** The connection that the findings point at, or the first. */
function exemplarOf(facts: ActFacts, findings: readonly Finding[]): number {
  const numbers = new Set(
    findings.flatMap(({ evidence }) => evidence.flatMap((pointer) => ('packet' in pointer ? [pointer.packet] : []))),
  );
  const pointed = facts.connections.find(({ local }) =>
    facts.journeysOf(local).some((journey) => journey.hops.some((hop) => numbers.has(hop.n))),
  );
  return pointed?.connection ?? 0;
}

/** What the findings say of packets, by frame number. */
export function packetNotes(findings: readonly Finding[]): Map<number, string> {
  const notes = new Map<number, string>();
  for (const { evidence } of findings)
    for (const pointer of evidence)
      if ('packet' in pointer && !notes.has(pointer.packet)) notes.set(pointer.packet, pointer.note);
  return notes;
}

function packetItem(facts: ActFacts, journey: Journey, notes: Map<number, string>): Item {
  const { first } = journey;
  // A host that saw no SYN of this connection cannot tell relative numbers; another on the way can.
  const { relativeSeq, relativeAck } = journey.hops.find((hop) => hop.anchored) ?? first;
  const note = journey.hops.map((hop) => notes.get(hop.n)).find((text) => text !== undefined);
  const opening = first.name === 'ack' && first.length === 0 && relativeSeq === 1 && relativeAck === 1;
  const name = opening ? 'handshake ACK' : first.name;
  const fold =
    note !== undefined || (journey.lost && FOLDS[name] !== 'again' && name !== 'keepalive probe')
      ? 'keep'
      : FOLDS[name];
  const way = `${facts.kindOf(journey.from)} > ${facts.kindOf(journey.to)}`;
  const shape = [name, first.flags, journey.lost, way].join(' ');
  return {
    fold: fold ?? 'keep',
    // What a finding points at always has its row.
    ...(note === undefined ? { shape, way } : {}),
    row: {
      kind: 'packet',
      at: facts.at(first.time),
      packet: first.n,
      from: journey.from,
      to: journey.to,
      lost: journey.lost,
      flags: first.flags,
      seq: relativeSeq,
      ack: relativeAck,
      length: first.length,
      name,
      ...(first.reset === undefined ? {} : { reset: first.reset }),
      ...(note === undefined ? {} : { note }),
    },
  };
}

const FOLDS: Partial<Record<SegmentName, Item['fold']>> = {
  data: 'chat',
  ack: 'chat',
  'duplicate ACK': 'chat',
  'window update': 'chat',
  'keepalive probe': 'beat',
  'keepalive answer': 'beat',
  'zero-window probe': 'shut',
  'zero-window answer': 'shut',
  retransmission: 'again',
  'fast retransmission': 'again',
  'tail-loss probe': 'again',
};

const socketKey = (host: string, { local, peer }: { local: string; peer: string }) =>
  `${host} ${keyBetween(local, peer)}`;

/** The zombies of a look, by host and socket. */
const zombiesIn = (facts: ActFacts, look: readonly SocketSample[]): ReadonlySet<string> =>
  new Set(matchSockets(facts.evidence, look).zombies.map(({ host, socket }) => socketKey(host, socket)));

/** What one lane knows of the connection at one look. */
interface LaneState {
  host: string;
  words: string;
  zombie: boolean;
  /** What makes another row of it: the words, but not a timer that runs. */
  what: string;
}

/** Socket states of the hosts, the flow or the session of the middlebox. */
function statesAt(
  facts: ActFacts,
  look: readonly SocketSample[],
  locals: ReadonlySet<string>,
  legs: ReadonlySet<string>,
): LaneState[] {
  const number = look[0]?.sample;
  const zombies = zombiesIn(facts, look);
  const states: LaneState[] = [];
  const sessionsSeen = facts.evidence.proxySessions.length + facts.evidence.proxyLog.length > 0;
  for (const { host, sockets, gone } of look) {
    const mine = sockets.filter(({ local, peer }) =>
      host === facts.client ? locals.has(local) : locals.has(peer) || legs.has(peer),
    );
    // Behind a proxy nothing but its sessions tells which of a server's sockets belong to this connection.
    const known = host === facts.client || facts.box.layer === 'L4' || sessionsSeen || mine.length > 0;
    if (host === facts.box.name || !known) continue;
    const each = mine.map((socket) =>
      zombies.has(socketKey(host, socket)) ? 'ZOMBIE' : socket.state.replace('ESTABLISHED', 'ESTAB'),
    );
    const words = gone ? 'no power' : each.sort().reverse().join('+') || '–';
    const zombie = !gone && mine.some((socket) => zombies.has(socketKey(host, socket)));
    states.push({ host, words, zombie, what: words });
  }
  const box = { host: facts.box.name, zombie: false };
  const table = facts.evidence.flowTables.find(({ sample }) => sample === number);
  const flow = table?.flows.filter(({ original }) => locals.has(sourceText(original))).at(-1);
  const sessions = facts.evidence.proxySessions.find(({ sample }) => sample === number)?.sessions;
  // What nobody looked at is not said: nginx has no list of its sessions.
  if (facts.box.layer === 'L7') {
    const words = sessions?.some(({ client }) => locals.has(client)) ? 'session' : 'no session';
    if (sessions) states.push({ ...box, words, what: words });
  } else if (table)
    states.push({
      ...box,
      words: flow ? `flow ${flow.expiresIn ?? '?'} s` : 'no flow',
      what: flow ? 'flow' : 'no flow',
    });
  return states;
}

function stateItems(facts: ActFacts, locals: ReadonlySet<string>, legs: ReadonlySet<string>): Item[] {
  let before = '';
  return facts.samples.flatMap((look, index): Item[] => {
    const lanes = statesAt(facts, look, locals, legs);
    const now = JSON.stringify(lanes.map(({ host, what }) => [host, what]).sort());
    if (now === before && index !== facts.samples.length - 1) return [];
    before = now;
    const zombies = lanes.filter(({ zombie }) => zombie).map(({ host }) => host);
    return [
      {
        fold: 'keep',
        row: {
          kind: 'states',
          at: facts.at(Math.max(...look.map((sample) => sample.time))),
          label: look[0]?.label ?? '',
          states: Object.fromEntries(lanes.map(({ host, words }) => [host, words])),
          ...(zombies.length > 0 ? { zombies } : {}),
        },
      },
    ];
  });
}

const isShown = (event: string): event is LadderEvent => (LADDER_EVENTS as readonly string[]).includes(event);

function eventText(event: LadderEvent, { code, message, id, delaySeconds }: AppEvent): string {
  if (event === 'failed') return `${id} failed: ${message}`;
  if (event === 'reconnecting') return `reconnects in ${formatDuration(delaySeconds ?? 0)}`;
  if (event === 'close') return 'connection closed';
  return code === 'Error' || message?.includes(code as string) ? `error: ${message}` : `error: ${code} ${message}`;
}

function eventItems(facts: ActFacts, connection: number): Item[] {
  return facts.evidence.events.flatMap((each): Item[] => {
    const { event, time } = each;
    if (each.connection !== connection || !isShown(event)) return [];
    const text = eventText(event, each);
    const shape = [event, each.failure, each.code].join(' ');
    return [{ fold: 'keep', shape, row: { kind: 'event', at: facts.at(time), host: facts.client, event, text } }];
  });
}

/** Draws the life of one connection: what was sent from where to where, and what every host believed meanwhile. */
export function buildLadder(facts: ActFacts, findings: readonly Finding[]): Ladder {
  const connection = exemplarOf(facts, findings);
  const locals = new Set(
    facts.connections
      .filter((each) => each.connection === connection)
      .flatMap(({ local }) => [...facts.namesOf(local)]),
  );
  const sessions = facts.evidence.proxySessions.flatMap((look) => look.sessions);
  const logged = facts.evidence.proxyLog.flatMap(({ session }) => session ?? []);
  const legs = new Set(
    [...sessions, ...logged].filter(({ client }) => locals.has(client)).flatMap(({ proxy }) => proxy ?? []),
  );
  const notes = packetNotes(findings);
  const journeys = new Set([...locals, ...legs].flatMap((end) => facts.journeysOf(end)));
  const items: Item[] = [
    ...facts.evidence.record.steps
      .filter((step) => step.kind !== 'observe')
      .map(
        (step): Item => ({
          fold: 'keep',
          opens: 'actions' in step && step.actions.some(({ action }) => OPENING.has(action)),
          row: { kind: 'step', at: facts.at(step.from), text: step.text },
        }),
      ),
    ...[...journeys].map((journey) => packetItem(facts, journey, notes)),
    ...eventItems(facts, connection),
    ...stateItems(facts, locals, legs),
  ].sort((a, b) => a.row.at - b.row.at);
  return {
    connection,
    lanes: [facts.client, facts.box.name, ...facts.brokers].map((host) => ({
      host,
      role: facts.plan.hosts.find(({ name }) => name === host)?.role ?? '',
    })),
    rows: markSilence(foldRuns(foldCycles(items))),
  };
}
