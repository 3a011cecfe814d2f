import type { ActEvidence } from '../../src/evidence/read.ts';
import { connectionsOf } from '../../src/plan/plan.ts';
import { copyOfPacket } from '../../src/wire/packets.ts';

/** Ports that servers listen on; every other port is one connection's. */
const SERVICES = new Set([6379]);
/** Below those that kernels choose, so that copies meet neither originals nor each other. */
const PORTS = { first: 1024, last: 32_767 } as const;
/** Apart by more than a window, so that segments of two copies are never alike. */
const SEQ_STEP = 1_000_003;

/** Gives each copy of a connection's port one of its own. */
class Ports {
  readonly #places: ReadonlyMap<number, number>;
  readonly #times: number;

  constructor({ packets }: ActEvidence, times: number) {
    const known = new Set(
      [...packets].flatMap(({ sport, dport }) => [sport, dport]).filter((each) => !SERVICES.has(each)),
    );
    this.#places = new Map([...known].map((each, place) => [each, place]));
    this.#times = times;
    if (PORTS.first + known.size * times > PORTS.last) throw new Error('too many copies for the ports that there are');
  }

  of(original: number, copy: number): number {
    const place = this.#places.get(original);
    return place === undefined ? original : PORTS.first + place * this.#times + copy;
  }

  inText(text: string, copy: number): string {
    return text.replace(
      /^(.*):(\d+)$/,
      (_, address: string, digits: string) => `${address}:${this.of(Number(digits), copy)}`,
    );
  }
}

type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };

/** A row as another connection would have left it: other ports, sequence numbers, identifiers and frame numbers. */
function another(row: Json, copy: number, ports: Ports, connections: number, packets: number): Json {
  const walk = (value: Json, name = ''): Json => {
    if (Array.isArray(value)) return value.map((each) => walk(each, name === 'ids' ? 'id' : name));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, key)]));
    if (typeof value === 'string') {
      if (['local', 'peer', 'client', 'proxy'].includes(name)) return ports.inText(value, copy);
      return name === 'id' ? `${value}+${copy}` : value;
    }
    if (typeof value !== 'number') return value;
    if (name === 'sport' || name === 'dport') return ports.of(value, copy);
    if (name === 'seq' || name === 'ack') return (value + copy * SEQ_STEP) >>> 0;
    if (name === 'connection') return value + copy * connections;
    if (name === 'n') return value + copy * packets;
    return name === 'id' ? value + copy * 2 ** 33 : value;
  };
  return walk(row);
}

/**
 * The same act with `times` times its connections, all of which met the same at the same moments.
 */
export function multiply(evidence: ActEvidence, times: number): ActEvidence {
  const connections = connectionsOf(evidence.plan);
  const ports = new Ports(evidence, times);
  const packets = Math.max(0, ...evidence.packets.map(({ n }) => n));
  const copies = <T>(row: T): T[] =>
    Array.from({ length: times }, (_, copy) =>
      copy === 0 ? row : (another(row as Json, copy, ports, connections, packets) as T),
    );
  const rows = <T>(list: readonly T[]): T[] => list.flatMap(copies);
  return {
    ...evidence,
    plan: {
      ...evidence.plan,
      expect: evidence.plan.expect.map(({ check, params }) => ({
        check,
        params: typeof params.exactly === 'number' ? { ...params, exactly: params.exactly * times } : params,
      })),
      hosts: evidence.plan.hosts.map((host) =>
        host.role === 'client' ? { ...host, connections: host.connections * times } : host,
      ),
    },
    packets: rows(evidence.packets.map(copyOfPacket)),
    samples: evidence.samples.map((sample) => ({ ...sample, sockets: rows(sample.sockets) })),
    ends: rows(evidence.ends),
    flowTables: evidence.flowTables.map((table) => ({ ...table, flows: rows(table.flows) })),
    flowEvents: rows(evidence.flowEvents),
    proxySessions: evidence.proxySessions.map((look) => ({ ...look, sessions: rows(look.sessions) })),
    proxyLog: rows(evidence.proxyLog),
    forgotten: rows(evidence.forgotten),
    events: evidence.events.flatMap((event) =>
      event.connection === undefined && event.event !== 'ledger' ? [event] : copies(event),
    ),
  };
}
