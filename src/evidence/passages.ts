// Passages: what boxes let through, and as what. One relation for connection tracking, IPVS and proxies' sessions: a way in, a
// way out, since when, until when and why it ended.
import { hostsOnPath, type PathPlan } from '../plan/paths.ts';
import { canonicalAddress } from '../wire/address.ts';
import { keyBetween, parseEndpoint, reversed, sourceText, type Way, wayKey } from '../wire/endpoint.ts';
import type { Flow, FlowEvent } from '../wire/flows.ts';
import { endedByTimer, type ProxySession } from '../wire/haproxy-log.ts';
import type { ActEvidence } from './read.ts';
import type { FlowChange, FlowTable, Forgotten } from './rows.ts';

/** What one look at a box's table said of a passage. */
export interface PassageLook {
  time: number;
  /** Number of the look. */
  sample: number;
  /** As the table calls it; undefined where it does not say. */
  state?: string | undefined;
  /** Seconds until the box would forget it; undefined where it does not say. */
  expiresIn?: number | undefined;
}

export interface Passage {
  box: string;
  by: 'conntrack' | 'ipvs' | 'session';
  /** As it comes in: from the end nearer to the client to where that end connects to. */
  in: Way;
  /** As it goes out, towards the server. Of a session: from the proxy's own end. */
  out: Way;
  /** When it was first heard of, epoch seconds. */
  from: number;
  /** Whether it began with a SYN; of a flow that is taken up in its middle, or known from looks alone, undefined. */
  opened?: true | undefined;
  /** When it was gone: by the box's own word, or at the first look that missed it. Undefined while it is there. */
  until?: number | undefined;
  /** Why it was gone, by the box's own word; undefined where it said nothing. `life`: it had lived for as long as it may. */
  why?: FlowEvent['reason'] | 'life' | undefined;
  /** Of a box with timers of its own, which its table does not show: whose silence it was, the client's, the server's, or both. */
  timer?: { side: 'client' | 'server' | 'both' } | undefined;
  /** How a proxy's log calls the end of its session. */
  termination?: string | undefined;
  looks: PassageLook[];
}

/** The way that a flow has behind its box: answers come back on the reply tuple. */
const outOf = ({ reply }: Pick<Flow, 'reply'>): Way => reversed(reply);

/** Whether a box shows another address or port behind it than before it. */
export const translates = ({ in: before, out, by }: Passage): boolean =>
  by !== 'session' && wayKey(before) !== wayKey(out);

/** Who owns an address, by the record of an act; a map from every address to its host. */
export function hostsByAddress(addresses: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>();
  for (const [host, all] of Object.entries(addresses))
    for (const address of all) hosts.set(canonicalAddress(address), host);
  return hosts;
}

/** Whether a host stands behind a box, nearer to the servers, on any path. */
const standsBehind = (paths: readonly PathPlan[], box: string, host: string): boolean =>
  paths.some((path) => {
    const chain = hostsOnPath(path);
    return chain.includes(box) && chain.indexOf(host) > chain.indexOf(box);
  });

/** Whether a flow is a passage through its box, from a client's side to a server's. */
function passesThrough(evidence: ActEvidence): (box: string, flow: Pick<Flow, 'original' | 'reply'>) => boolean {
  const hostOf = hostsByAddress(evidence.record.addresses);
  const backwards = new Map<string, boolean>();
  const behind = (box: string, host: string): boolean => {
    const key = `${box} ${host}`;
    const known = backwards.get(key) ?? standsBehind(evidence.plan.paths, box, host);
    backwards.set(key, known);
    return known;
  };
  return (box, { original, reply }) => {
    const from = hostOf.get(canonicalAddress(original.src));
    // What the box opens or accepts itself does not go through it. An answer that comes too late makes a flow in the other direction,
    // which leads nobody to a server.
    if (from === box || hostOf.get(canonicalAddress(reply.src)) === box) return false;
    return from === undefined || !behind(box, from);
  };
}

const lookOf = ({ time, sample }: Pick<FlowTable, 'time' | 'sample'>, flow: Flow): PassageLook => ({
  time,
  sample,
  state: flow.state,
  expiresIn: flow.expiresIn,
});

/** Connection tracking's flows: from its events, and from its tables where those tell of more. */
function trackedPassages(
  events: readonly FlowChange[],
  tables: readonly FlowTable[],
  passes: ReturnType<typeof passesThrough>,
): Passage[] {
  const passages: Passage[] = [];
  const current = new Map<string, Passage>();
  const begin = (box: string, flow: Flow, from: number, opened: boolean): Passage => {
    const passage: Passage = { box, by: 'conntrack', in: flow.original, out: outOf(flow), from, looks: [] };
    if (opened) passage.opened = true;
    passages.push(passage);
    current.set(`${box} ${flow.id}`, passage);
    return passage;
  };
  const rows = [
    ...events.map((event) => ({ time: event.time, event, table: undefined })),
    ...tables
      .filter(({ tracker }) => tracker === undefined)
      .map((table) => ({ time: table.time, event: undefined, table })),
  ].sort((a, b) => a.time - b.time);
  for (const { event, table } of rows) {
    if (event !== undefined) {
      if (!passes(event.host, event)) continue;
      const key = `${event.host} ${event.id}`;
      // Ids are used again.
      if (event.event === 'NEW') begin(event.host, event, event.time, event.state === 'SYN_SENT');
      const passage = current.get(key) ?? begin(event.host, event, event.time, false);
      if (event.event !== 'DESTROY') continue;
      Object.assign(passage, { until: event.time, why: event.reason });
      current.delete(key);
    } else
      for (const flow of table.flows) {
        if (!passes(table.host, flow)) continue;
        const known = current.get(`${table.host} ${flow.id}`);
        const same = known !== undefined && wayKey(known.in) === wayKey(flow.original);
        (same ? known : begin(table.host, flow, table.time, false)).looks.push(lookOf(table, flow));
      }
  }
  return passages;
}

/** What a box with timers of its own told of them: to the kernel it is a deletion. */
function tellTimers(passages: readonly Passage[], forgotten: readonly Forgotten[]): void {
  const index = indexed(passages, ({ box, in: before }) => `${box} ${wayKey(before)}`);
  for (const { host, time, original, why, side } of forgotten) {
    const passage = index.get(`${host} ${wayKey(original)}`)?.findLast(({ from }) => from <= time);
    if (passage === undefined) continue;
    passage.until ??= time;
    passage.why = why === 'life' ? 'life' : 'idle-timeout';
    passage.timer = { side: side ?? 'both' };
  }
}

/** Flows of a table that has no events. Each began when it was first seen, and was gone at the first look that missed it. */
function tabledPassages(tables: readonly FlowTable[], passes: ReturnType<typeof passesThrough>): Passage[] {
  const passages: Passage[] = [];
  const current = new Map<string, Map<string, Passage>>();
  for (const table of tables) {
    if (table.tracker === undefined) continue;
    const before = current.get(table.host) ?? new Map<string, Passage>();
    const now = new Map<string, Passage>();
    for (const flow of table.flows) {
      if (!passes(table.host, flow)) continue;
      const key = `${wayKey(flow.original)} ${wayKey(flow.reply)}`;
      let passage = before.get(key);
      if (passage === undefined) {
        passage = {
          box: table.host,
          by: 'ipvs',
          in: flow.original,
          out: outOf(flow),
          from: table.time,
          looks: [],
        };
        passages.push(passage);
      }
      passage.looks.push(lookOf(table, flow));
      now.set(key, passage);
    }
    for (const [key, passage] of before) if (!now.has(key)) passage.until = table.time;
    current.set(table.host, now);
  }
  return passages;
}

/** The other end of a proxy's own sockets, by host and end, as looks at them and captures had it. */
function peersOf(evidence: ActEvidence, boxes: ReadonlySet<string>): (box: string, end: string) => string | undefined {
  const peers = new Map<string, string>();
  for (const { host, sockets } of evidence.samples)
    if (boxes.has(host))
      for (const { local, peer } of sockets) {
        peers.set(`${host} ${local}`, peer);
        peers.set(`${host} ${peer}`, local);
      }
  for (const packet of evidence.packets) {
    if (!boxes.has(packet.host)) continue;
    const [from, to] = [sourceText(packet), sourceText(reversed(packet))];
    const key = `${packet.host} ${from}`;
    if (!peers.has(key)) peers.set(key, to);
  }
  return (box, end) => peers.get(`${box} ${end}`);
}

/** Between two ends; undefined where one of them is not known. */
function wayBetween(source: string | undefined, destination: string | undefined): Way | undefined {
  const [from, to] = [source, destination].map((text) => (text === undefined ? undefined : parseEndpoint(text)));
  return from && to && { src: from.address, sport: from.port, dst: to.address, dport: to.port };
}

/** What proxies join: from what they say of their sessions while they live, and in their logs when they end. */
function sessions(evidence: ActEvidence): Passage[] {
  const boxes = new Set([...evidence.proxySessions, ...evidence.proxyLog].map(({ host }) => host));
  if (boxes.size === 0) return [];
  const peerOf = peersOf(evidence, boxes);
  const passages: Passage[] = [];
  const current = new Map<string, Passage>();
  const find = (box: string, { client, proxy }: Pick<ProxySession, 'client' | 'proxy'>, from: number) => {
    const key = `${box} ${client} ${proxy}`;
    const known = current.get(key);
    if (known !== undefined) return { key, passage: known };
    const [before, out] = [wayBetween(client, peerOf(box, client)), proxy && wayBetween(proxy, peerOf(box, proxy))];
    if (!before || !out) return undefined;
    const passage: Passage = { box, by: 'session', in: before, out, from, looks: [] };
    passages.push(passage);
    current.set(key, passage);
    return { key, passage };
  };
  const rows = [...evidence.proxySessions, ...evidence.proxyLog].sort((a, b) => a.time - b.time);
  for (const row of rows)
    if (row.kind === 'proxy-sessions')
      for (const session of row.sessions)
        find(row.host, session, row.time)?.passage.looks.push({
          time: row.time,
          sample: row.sample,
          expiresIn: session.expiresIn,
        });
    else if (row.session !== undefined) {
      const { session, time, host } = row;
      const found = find(host, session, time - session.totalSeconds);
      if (found === undefined) continue;
      Object.assign(found.passage, {
        from: Math.min(found.passage.from, time - session.totalSeconds),
        until: time,
        why: endedByTimer(session.termination) ? 'idle-timeout' : 'closed',
        termination: session.termination,
      });
      // Its ports may be used again.
      current.delete(found.key);
    }
  return passages;
}

/** The last that began by a moment; of one look, also what only that look's tables tell of. */
const latest = (passages: readonly Passage[] | undefined, at: Moment): Passage | undefined =>
  passages?.findLast(
    ({ from, looks }) => from <= at.time || (at.sample !== undefined && looks[0]?.sample === at.sample),
  );

/** Up to when passages count: a time, and a look whose tables belong to it though they were read a little later. */
export interface Moment {
  time: number;
  sample?: number | undefined;
}

/** Where a way leads, box by box. */
export interface Walk {
  /** The way after the last box. */
  way: Way;
  /** The passages on it that change it, in their order. */
  passed: Passage[];
}

function indexed(passages: readonly Passage[], keyOf: (passage: Passage) => string): ReadonlyMap<string, Passage[]> {
  const index = new Map<string, Passage[]>();
  for (const passage of passages) {
    const key = keyOf(passage);
    const list = index.get(key);
    if (list) list.push(passage);
    else index.set(key, [passage]);
  }
  return index;
}

/** All passages of an act, found by their ways. */
export class Passages {
  /** In the order in which they began. */
  readonly all: readonly Passage[];
  /** Boxes that told of any. */
  readonly boxes: ReadonlySet<string>;
  /** Boxes that show what stands behind them another address than what stands before them. */
  readonly translators: ReadonlySet<string>;
  readonly #in: ReadonlyMap<string, Passage[]>;
  readonly #out: ReadonlyMap<string, Passage[]>;
  readonly #atBox: ReadonlyMap<string, Passage[]>;

  constructor(passages: readonly Passage[]) {
    this.all = [...passages].sort((a, b) => a.from - b.from);
    this.boxes = new Set(this.all.map(({ box }) => box));
    const changing = this.all.filter(translates);
    this.translators = new Set(changing.map(({ box }) => box));
    this.#in = indexed(changing, (passage) => wayKey(passage.in));
    this.#out = indexed(changing, (passage) => wayKey(passage.out));
    this.#atBox = indexed(this.all, (passage) => `${passage.box} ${wayKey(passage.in)}`);
  }

  /** Follows a way to where translations lead it by now: up to the next TCP endpoint, be it a proxy or a server. */
  forward(way: Way, at: Moment): Walk {
    return this.#walk(way, at, this.#in, ({ out }) => out);
  }

  /** Follows a way back to where it comes from, as translations are by now. The walk's boxes are those nearest first. */
  backward(way: Way, at: Moment): Walk {
    return this.#walk(way, at, this.#out, (passage) => passage.in);
  }

  #walk(way: Way, at: Moment, index: ReadonlyMap<string, Passage[]>, next: (passage: Passage) => Way): Walk {
    const walk: Walk = { way, passed: [] };
    const seen = new Set<string>();
    for (;;) {
      // A connection passes each box once.
      const step = latest(
        index.get(wayKey(walk.way))?.filter(({ box }) => !seen.has(box)),
        at,
      );
      if (step === undefined) return walk;
      seen.add(step.box);
      walk.passed.push(step);
      walk.way = next(step);
    }
  }

  /** All passages that a way had at a box, in their order, translated or not. */
  at(box: string, way: Way): readonly Passage[] {
    return this.#atBox.get(`${box} ${wayKey(way)}`) ?? [];
  }

  /** The same, by the two ends as texts. */
  between(box: string, source: string, destination: string): readonly Passage[] {
    return this.#atBox.get(`${box} ${keyBetween(source, destination)}`) ?? [];
  }
}

/** Reads from an act's evidence what its boxes let through. */
export function passagesOf(evidence: ActEvidence): Passages {
  const passes = passesThrough(evidence);
  const tracked = trackedPassages(evidence.flowEvents, evidence.flowTables, passes);
  tellTimers(tracked, evidence.forgotten);
  return new Passages([...tracked, ...tabledPassages(evidence.flowTables, passes), ...sessions(evidence)]);
}
