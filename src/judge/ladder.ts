import { formatDuration } from '../base/duration.ts';
import type { AppEvent, SocketSample } from '../evidence/read.ts';
import type { PathPlan } from '../plan/paths.ts';
import type { MiddleboxPlan } from '../plan/plan.ts';
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
  new Set(facts.matching(look).zombies.map(({ host, socket }) => socketKey(host, socket)));

/** The connection that is drawn. */
interface Drawn {
  facts: ActFacts;
  path: PathPlan;
  connection: number;
  /** The client's ends, one for each TCP connection that it had. */
  locals: ReadonlySet<string>;
  /** All ends by which its packets are known, behind translators and proxies. */
  ends: ReadonlySet<string>;
}

/** What one lane knows of the connection at one look. */
interface LaneState {
  host: string;
  words: string;
  zombie: boolean;
  /** What makes another row of it: the words, but not a timer that runs. */
  what: string;
}

/** What a box knew at a look: the flow, or the session with its sockets. */
function boxState({ facts, ends }: Drawn, look: readonly SocketSample[], box: MiddleboxPlan): LaneState[] {
  const number = look[0]?.sample;
  const here = <T extends { sample: number; host: string }>(rows: readonly T[]) =>
    rows.find(({ sample, host }) => sample === number && host === box.name);
  if (box.layer === 'L4') {
    const table = here(facts.evidence.flowTables);
    if (table === undefined) return [];
    const flow = table.flows.filter(({ original }) => ends.has(sourceText(original))).at(-1);
    const words = flow ? `flow ${flow.expiresIn ?? '?'} s` : 'no flow';
    return [{ host: box.name, words, zombie: false, what: flow ? 'flow' : 'no flow' }];
  }
  const zombies = zombiesIn(facts, look);
  const sockets = look.find(({ host }) => host === box.name)?.sockets ?? [];
  const mine = sockets.filter(({ local, peer }) => ends.has(local) || ends.has(peer));
  const zombie = mine.some((socket) => zombies.has(socketKey(box.name, socket)));
  const sessions = here(facts.evidence.proxySessions)?.sessions;
  // What nobody looked at is not said: nginx has no list of its sessions.
  if (!sessions && !zombie) return [];
  const words = zombie ? 'ZOMBIE' : sessions?.some(({ client }) => ends.has(client)) ? 'session' : 'no session';
  return [{ host: box.name, words, zombie, what: words }];
}

/** Socket states of the ends, the flow or the session of each box. */
function statesAt(drawn: Drawn, look: readonly SocketSample[]): LaneState[] {
  const { facts, path, locals, ends } = drawn;
  const zombies = zombiesIn(facts, look);
  const sessionsSeen = facts.evidence.proxySessions.length + facts.evidence.proxyLog.length > 0;
  const boxes = facts.boxesOf(path);
  const states: LaneState[] = [];
  for (const { host, sockets, gone } of look) {
    if (host !== path.client && !path.servers.includes(host)) continue;
    const mine = sockets.filter(({ local, peer }) => (host === path.client ? locals.has(local) : ends.has(peer)));
    // Behind a proxy nothing but its sessions tells which of a server's sockets belong to this connection.
    const known = host === path.client || boxes.every(({ layer }) => layer === 'L4') || sessionsSeen || mine.length > 0;
    if (!known) continue;
    const each = mine.map((socket) =>
      zombies.has(socketKey(host, socket)) ? 'ZOMBIE' : socket.state.replace('ESTABLISHED', 'ESTAB'),
    );
    const words = gone ? 'no power' : each.sort().reverse().join('+') || '–';
    const zombie = !gone && mine.some((socket) => zombies.has(socketKey(host, socket)));
    states.push({ host, words, zombie, what: words });
  }
  return [...states, ...boxes.flatMap((box) => boxState(drawn, look, box))];
}

function stateItems(drawn: Drawn): Item[] {
  const { facts } = drawn;
  let before = '';
  return facts.samples.flatMap((look, index): Item[] => {
    const lanes = statesAt(drawn, look);
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

function eventItems({ facts, path, connection }: Drawn): Item[] {
  return facts.evidence.events.flatMap((each): Item[] => {
    const { event, time } = each;
    if (each.host !== path.client || each.connection !== connection || !isShown(event)) return [];
    const text = eventText(event, each);
    const shape = [event, each.failure, each.code].join(' ');
    return [{ fold: 'keep', shape, row: { kind: 'event', at: facts.at(time), host: path.client, event, text } }];
  });
}

/** Draws the life of one connection on a path: what was sent from where to where, and what every host believed meanwhile. */
export function buildLadder(everything: ActFacts, path: PathPlan, findings: readonly Finding[]): Ladder {
  const facts = everything.of({ client: path.client });
  const connection = exemplarOf(facts, findings);
  const all = facts.connections.filter((each) => each.connection === connection);
  const legs = new Set(all.flatMap((each) => facts.legsOf(each)).map(({ end }) => end));
  const drawn: Drawn = {
    facts,
    path,
    connection,
    locals: new Set(all.map(({ local }) => local)),
    ends: new Set([...legs].flatMap((end) => [...facts.namesOf(end)])),
  };
  const notes = packetNotes(findings);
  const journeys = new Set([...legs].flatMap((end) => facts.journeysOf(end)));
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
    ...eventItems(drawn),
    ...stateItems(drawn),
  ].sort((a, b) => a.row.at - b.row.at);
  const reached = new Set([...journeys].flatMap(({ hops }) => hops.map(({ host }) => host)));
  const servers = path.servers.filter((server) => reached.has(server));
  const lanes = [path.client, ...path.boxes, ...(servers.length > 0 ? servers : path.servers.slice(0, 1))];
  for (const { row } of items)
    if (row.kind === 'states')
      row.states = Object.fromEntries(Object.entries(row.states).filter(([host]) => lanes.includes(host)));
  return {
    connection,
    lanes: lanes.map((host) => ({ host, role: facts.plan.hosts.find(({ name }) => name === host)?.role ?? '' })),
    rows: markSilence(foldRuns(foldCycles(items))),
  };
}

/** The ladders of an act: one for each path, in their order. */
export const buildLadders = (facts: ActFacts, findings: readonly Finding[]): Ladder[] =>
  facts.plan.paths.map((path) => buildLadder(facts, path, findings));
