/** Connection tracking as `conntrack -L` and `conntrack -E -o timestamp,id,extended` print it. */

export interface Tuple {
  src: string;
  sport: number;
  dst: string;
  dport: number;
}

export interface Flow {
  id: number;
  /** Undefined where the kernel did not say. */
  state: string | undefined;
  /** Seconds until it would be forgotten; undefined in DESTROY events. */
  expiresIn: number | undefined;
  original: Tuple;
  /** The tuple that answers carry: translated addresses show here. */
  reply: Tuple;
  assured: boolean;
  /** Present when somebody deleted the entry by hand, and not the kernel by its timer. */
  deletedBy: string | undefined;
}

export interface FlowEvent extends Flow {
  time: number;
  event: 'NEW' | 'UPDATE' | 'DESTROY';
  reason: 'idle-timeout' | 'closed' | 'never-established' | 'deleted' | 'unknown' | undefined;
}

const TUPLE = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g;

export function parseFlow(line: string): Flow | undefined {
  const tuples = [...line.matchAll(TUPLE)].map(([, src, dst, sport, dport]) => ({
    src: src as string,
    sport: Number(sport),
    dst: dst as string,
    dport: Number(dport),
  }));
  const [original, reply] = tuples;
  const protocol = /\btcp\s+6\s+(?:(\d+)\s+)?(?:([A-Z][A-Z0-9_]+)\s+)?(?=src=)/.exec(line);
  if (!original || !reply || !protocol) return undefined;
  return {
    id: Number(/\bid=(\d+)/.exec(line)?.[1] ?? 0),
    state: protocol[2],
    expiresIn: protocol[1] === undefined ? undefined : Number(protocol[1]),
    original,
    reply,
    assured: line.includes('[ASSURED]'),
    deletedBy: /\bportid=(\d+)/.exec(line)?.[1],
  };
}

/** Why the kernel let an entry go, from the TCP state it was in. An entry in ESTABLISHED can only go by its idle timer. */
function reasonOf(flow: Flow): FlowEvent['reason'] {
  if (flow.deletedBy !== undefined) return 'deleted';
  switch (flow.state) {
    case undefined:
      return 'unknown';
    case 'ESTABLISHED':
      return 'idle-timeout';
    case 'SYN_SENT':
    case 'SYN_SENT2':
    case 'SYN_RECV':
      return 'never-established';
    default:
      return 'closed';
  }
}

export function parseFlowEvent(line: string): FlowEvent | undefined {
  const head = /^\[(\d+\.\d+)\]\s+\[(NEW|UPDATE|DESTROY)\]/.exec(line);
  const flow = head && parseFlow(line);
  if (!head || !flow) return undefined;
  const event = head[2] as FlowEvent['event'];
  return { time: Number(head[1]), event, ...flow, reason: event === 'DESTROY' ? reasonOf(flow) : undefined };
}

export const tupleText = (tuple: Tuple): string => `${tuple.src}:${tuple.sport} > ${tuple.dst}:${tuple.dport}`;
