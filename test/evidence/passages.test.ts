import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchSockets } from '../../src/evidence/match.ts';
import type { ActEvidence, FlowChange, SampledSocket, SocketSample } from '../../src/evidence/read.ts';
import { destinationText, reversed, sourceText, type Way, wayKey } from '../../src/wire/endpoint.ts';

// A model of a chain opens connections, lets ends die and leads clients elsewhere. What it did is the truth; what boxes and
// kernels would tell of it is the evidence.

const KINDS = ['router', 'nat', 'balancer', 'nat-balancer', 'proxy'] as const;
type Kind = (typeof KINDS)[number];
const isEntrance = (kind: Kind | undefined) => kind !== 'router' && kind !== 'nat';
const hidesClients = (kind: Kind) => kind === 'nat' || kind === 'nat-balancer';

interface World {
  v6: boolean;
  boxes: Kind[];
  servers: number;
  /** How many ports a translator has: where few, they are used again. */
  natPorts: number;
  connections: { client: number; port: number; server: number; dead: boolean[]; ledElsewhere: boolean }[];
  /** The clients' ends of which a box tells nothing. */
  untold: { box: number; client: number; port: number }[];
}

const client = fc.integer({ min: 0, max: 1 });
const port = fc.integer({ min: 40_000, max: 40_001 });
const worlds = (whole: boolean): fc.Arbitrary<World> =>
  fc.record({
    v6: fc.boolean(),
    boxes: fc.array(fc.constantFrom(...KINDS), { maxLength: 4 }),
    servers: fc.integer({ min: 1, max: 2 }),
    natPorts: whole ? fc.constantFrom(1, 2, 100) : fc.constant(100),
    connections: fc.array(
      fc.record({
        client,
        port,
        server: fc.integer({ min: 0, max: 1 }),
        dead: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
        ledElsewhere: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    untold: whole
      ? fc.constant([])
      : fc.array(fc.record({ box: fc.integer({ min: 0, max: 3 }), client, port }), { maxLength: 3 }),
  });

interface ModelSocket {
  host: string;
  local: string;
  peer: string;
  alive: boolean;
}

interface Pair {
  ends: ModelSocket[];
  /** Whether the way between its ends has since been given to somebody else. */
  parted: boolean;
}

const CLIENTS = ['web', 'batch'];
const PORT = 6379;

/** What happened, and what is to be seen of it. */
class Model {
  readonly #world: World;
  readonly #hosts: string[];
  readonly #servers: string[];
  readonly #sockets: ModelSocket[] = [];
  readonly #pairs: Pair[] = [];
  /** A translator has one way out for each way in, and one way in for each way out: what it makes later replaces it. */
  readonly #translations = new Map<string, { other: string; pair: Pair }>();
  readonly #flows: FlowChange[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#servers = ['mq-1', 'mq-2'].slice(0, world.servers);
    this.#hosts = [...CLIENTS, ...world.boxes.map((_, box) => `box-${box}`), ...this.#servers];
    for (const number of world.connections.keys()) this.#open(number);
  }

  #address(host: string): string {
    const number = this.#hosts.indexOf(host) + 1;
    return this.#world.v6 ? `2001:2::${number}` : `198.18.0.${number}`;
  }

  /** Where a connection is made to from a box, or from a client (-1). */
  #entranceBehind(box: number, server: number): string {
    const found = this.#world.boxes.findIndex((kind, index) => index > box && isEntrance(kind));
    return found < 0 ? (this.#servers[server % this.#servers.length] as string) : `box-${found}`;
  }

  #socket(host: string, way: Way, alive: boolean): ModelSocket {
    const [local, peer] = [sourceText(way), destinationText(way)];
    // A kernel has one socket between two ends: a later one takes the older one's place.
    for (const old of this.#sockets)
      if (old.host === host && old.local === local && old.peer === peer) old.alive = false;
    const socket = { host, local, peer, alive };
    this.#sockets.push(socket);
    return socket;
  }

  #way(host: string, sport: number, to: string): Way {
    return { src: this.#address(host), sport, dst: this.#address(to), dport: PORT };
  }

  /** One connection, box by box: each leg of it has two ends. */
  #open(number: number): void {
    const { boxes, connections, natPorts, untold } = this.#world;
    const { client, port, server, dead, ledElsewhere } = connections[number] as World['connections'][number];
    const time = 10 * (number + 1);
    const told = (box: number) =>
      !untold.some((each) => each.box === box && each.client === client && each.port === port);
    const alive = [...dead].map((each) => !each);
    const endIsAlive = () => alive.shift() ?? true;
    /** Takes a SYN from behind a box to the next TCP end. @returns where it got to, and as what */
    const travel = (from: number, start: Way, to: number, pair: Pair, when?: number): { box: number; way: Way } => {
      let way = start;
      for (let box = from + 1; box < boxes.length; box++) {
        const kind = boxes[box] as Kind;
        if (kind === 'proxy') return { box, way };
        const before = way;
        if (kind === 'balancer' || kind === 'nat-balancer')
          way = { ...way, dst: this.#address(this.#entranceBehind(box, to)) };
        if (hidesClients(kind)) way = { ...way, src: this.#address(`box-${box}`), sport: 20_000 + (number % natPorts) };
        if (when === undefined) continue;
        this.#translate(box, before, way, pair);
        if (told(box)) this.#tell(box, before, way, when);
      }
      return { box: boxes.length, way };
    };
    let [host, box, out] = [CLIENTS[client] as string, -1, port];
    for (;;) {
      const start = this.#way(host, out, this.#entranceBehind(box, server));
      const near = this.#socket(host, start, endIsAlive());
      const pair: Pair = { ends: [near], parted: false };
      const there = travel(box, start, server, pair, time);
      const atServer = there.box === boxes.length;
      const farHost = atServer ? (this.#servers[server % this.#servers.length] as string) : `box-${there.box}`;
      const far = this.#socket(farHost, reversed(there.way), endIsAlive());
      const balanced = boxes.slice(box + 1, there.box).some((kind) => kind === 'balancer' || kind === 'nat-balancer');
      // Where the other server still has a socket of the same two ends, nobody could tell the two connections apart.
      const other = reversed(travel(box, start, server + 1, pair).way);
      const taken = this.#sockets.some(
        ({ local, peer }) => local === sourceText(other) && peer === destinationText(other),
      );
      pair.ends.push(far);
      this.#pairs.push(pair);
      if (ledElsewhere && atServer && balanced && !taken) {
        pair.parted = true;
        travel(box, start, server + 1, pair, time + 5);
      }
      if (atServer) return;
      [host, box, out] = [farHost, there.box, 50_000 + number];
    }
  }

  #translate(box: number, before: Way, after: Way, pair: Pair): void {
    for (const [key, other] of [
      [`${box} in ${wayKey(before)}`, wayKey(after)],
      [`${box} out ${wayKey(after)}`, wayKey(before)],
    ] as const) {
      const old = this.#translations.get(key);
      if (old !== undefined && old.other !== other) old.pair.parted = true;
      this.#translations.set(key, { other, pair });
    }
  }

  #tell(box: number, before: Way, after: Way, time: number): void {
    this.#flows.push({
      kind: 'event',
      act: 'act',
      host: `box-${box}`,
      time,
      event: 'NEW',
      id: this.#flows.length,
      state: 'SYN_SENT',
      original: before,
      reply: reversed(after),
      assured: false,
    });
  }

  get evidence(): ActEvidence {
    const paths = CLIENTS.map((name) => ({
      client: name,
      boxes: this.#world.boxes.map((_, box) => `box-${box}`),
      servers: this.#servers,
    }));
    return {
      plan: { paths },
      record: { addresses: Object.fromEntries(this.#hosts.map((host) => [host, [this.#address(host)]])) },
      flowEvents: this.#flows,
      flowTables: [],
      proxySessions: [],
      proxyLog: [],
      forgotten: [],
      // An earlier look, at which all ends were there.
      samples: this.#look(0, () => true),
      packets: [],
    } as unknown as ActEvidence;
  }

  get samples(): SocketSample[] {
    return this.#look(1, ({ alive }) => alive);
  }

  #look(sample: number, seen: (socket: ModelSocket) => boolean): SocketSample[] {
    return this.#hosts.map((host) => ({
      act: 'act',
      kind: 'sample',
      sample,
      label: '',
      time: 1000 + sample,
      host,
      sockets: this.#sockets
        .filter((socket) => socket.host === host && seen(socket))
        .map(({ local, peer }) => ({ state: 'ESTABLISHED', local, peer }) as SampledSocket),
    }));
  }

  /** Every socket that is there, and whether its counterpart is not. */
  get truth(): Map<string, boolean> {
    const truth = new Map<string, boolean>();
    for (const { ends, parted } of this.#pairs)
      for (const [index, end] of ends.entries())
        if (end.alive) truth.set(textOf(end.host, end), parted || !ends[1 - index]?.alive);
    return truth;
  }
}

const textOf = (host: string, { local, peer }: { local: string; peer: string }) => `${host}: ${local} > ${peer}`;
const found = (world: World) => {
  const model = new Model(world);
  const { zombies, unknown } = matchSockets(model.evidence, model.samples);
  const texts = (sockets: typeof zombies) => sockets.map(({ host, socket }) => textOf(host, socket)).sort();
  return { truth: model.truth, zombies: texts(zombies), unknown: texts(unknown) };
};

describe('through any chain of routers, translators, balancers and proxies', () => {
  it('zombies are exactly the sockets whose counterpart has gone', () => {
    fc.assert(
      fc.property(worlds(true), (world) => {
        const { truth, zombies, unknown } = found(world);
        expect(unknown).toEqual([]);
        expect(zombies).toEqual([...truth].flatMap(([socket, zombie]) => (zombie ? [socket] : [])).sort());
      }),
      { numRuns: 2000 },
    );
  });

  it('nothing wrong is said where boxes tell nothing of some ways', () => {
    fc.assert(
      fc.property(worlds(false), (world) => {
        const { truth, zombies, unknown } = found(world);
        for (const socket of zombies) expect([socket, truth.get(socket)]).toEqual([socket, true]);
        const matched = [...truth.keys()].filter((socket) => !zombies.includes(socket) && !unknown.includes(socket));
        for (const socket of matched) expect([socket, truth.get(socket)]).toEqual([socket, false]);
      }),
      { numRuns: 2000 },
    );
  });

  it('two translators with both ends alive leave no zombie', () => {
    const connection = { client: 0, port: 40_000, server: 0, dead: [], ledElsewhere: false };
    for (const v6 of [false, true])
      expect(
        found({ v6, boxes: ['nat', 'balancer'], servers: 2, natPorts: 1, connections: [connection], untold: [] }),
      ).toMatchObject({ zombies: [], unknown: [] });
  });
});
