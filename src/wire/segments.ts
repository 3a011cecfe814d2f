import { PairNumbers, WayNumbers } from './numbers.ts';
import { type Packet, seqDelta, seqLength } from './packet.ts';

/** What a segment is for, as a reader of captures would call it. */
export const SEGMENT_NAMES = [
  'SYN',
  'SYN-ACK',
  'handshake ACK',
  'data',
  'ack',
  'window update',
  'duplicate ACK',
  'keepalive probe',
  'keepalive answer',
  'zero-window probe',
  'zero-window answer',
  'retransmission',
  'fast retransmission',
  'tail-loss probe',
  'challenge ACK',
  'fin',
  'reset',
] as const;
export type SegmentName = (typeof SEGMENT_NAMES)[number];

/**
 * Why a RST was sent, as far as a capture can tell.
 * - `refused`: in answer to a SYN (RFC 9293, 3.5.2, group 1).
 * - `no-socket`: in answer to a segment of a connection that whoever answers does not know, or whose application has closed
 *   it. It takes its number from what it answers. A middlebox that rejects with a RST answers in the same form.
 * - `abort`: by an end that had the connection and gave it up: SO_LINGER 0, unread data at close, a keepalive without answer.
 *   It has the next number of its own, and an ACK.
 * - `unknown`: anything else, as what a middlebox sends unasked.
 */
export const RESET_REASONS = ['refused', 'no-socket', 'abort', 'unknown'] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

/** What is said of a packet. */
interface Named {
  name: SegmentName;
  /** Of a RST alone. */
  reset: ResetReason | undefined;
  /** Relative to the initial sequence number of its direction, as Wireshark shows it; absolute where no SYN was seen. */
  relativeSeq: number;
  relativeAck: number;
  /** Whether this capture point saw both SYNs, so that the relative numbers are what they say. */
  anchored: boolean;
}

export type Segment = Packet & Named;

const RETRANSMISSIONS: ReadonlySet<SegmentName> = new Set(['retransmission', 'fast retransmission', 'tail-loss probe']);

/** Whether a segment was sent before, whatever made its sender send it once more. */
export const isRetransmission = (name: SegmentName): boolean => RETRANSMISSIONS.has(name);

/** Within so long an answer comes; what comes later was not asked for. */
const ANSWER_SECONDS = 1;
/** No retransmission timer of Linux is shorter (TCP_RTO_MIN), so what comes sooner after a duplicate ACK is due to that. */
const LEAST_RTO_SECONDS = 0.2;
/** RFC 5681, 3.2. */
const DUPLICATES_OF_A_LOSS = 3;

/** The last segment of a direction that was no RST. */
interface Said {
  time: number;
  flags: string;
  seq: number;
  ack: number;
  end: number;
}

interface Direction {
  initial: number | undefined;
  /** The next sequence number after everything sent so far. */
  next: number | undefined;
  lastAck: number | undefined;
  lastWindow: number | undefined;
  /** What the other side's last segment was, while it is not answered. */
  probed: 'keepalive' | 'window' | undefined;
  /** Whether an end that knows its connection must answer the last segment with a challenge ACK (RFC 5961, 3 to 5). */
  challenges: boolean;
  said: Said | undefined;
  /** Whether it went on after its SYN: then the other end has begun, too. */
  lived: boolean;
  /** Duplicate ACKs since the last news, and when the last came. */
  duplicates: number;
  duplicateAt: number;
  /** Whether something was sent again since there was anything new. */
  sentAgain: boolean;
  /** The way back. */
  back: Direction | undefined;
}

const fresh = (): Omit<Direction, 'back'> => ({
  initial: undefined,
  next: undefined,
  lastAck: undefined,
  lastWindow: undefined,
  probed: undefined,
  challenges: false,
  said: undefined,
  lived: false,
  duplicates: 0,
  duplicateAt: Number.NEGATIVE_INFINITY,
  sentAgain: false,
});

const endOf = (packet: Packet) => (packet.seq + seqLength(packet)) >>> 0;
/** Without those that say something of congestion or of urgent data. */
const plainFlags = ({ flags }: Packet) => flags.replace(/[UEC]/g, '');

/**
 * Names every segment, from what one capture point saw before it. What that cannot tell has the plain name: a segment sent
 * again is a `retransmission` unless it is certain what made its sender send it.
 * @param packets of all capture points, in the order of time
 */
export function nameSegments(packets: readonly Packet[]): Segment[] {
  const directions = new Directions();
  const names = new Names(packets);
  for (const [row, packet] of packets.entries()) {
    const mine = directions.of(packet);
    const theirs = mine.back as Direction;
    // A port used again begins a new connection.
    if (packet.flags.includes('S') && mine.initial !== packet.seq)
      Object.assign(mine, fresh(), { initial: packet.seq });
    const name = nameOf(packet, mine, theirs);
    const reset = name === 'reset' ? reasonOf(packet, mine, theirs) : undefined;
    if (reset === undefined) remember(packet, name, mine, theirs);
    else mine.challenges = theirs.lastAck !== undefined && packet.seq !== theirs.lastAck;
    const acks = packet.flags.includes('A');
    names.set(row, {
      name,
      reset,
      anchored: mine.initial !== undefined && (theirs.initial !== undefined || !acks),
      relativeSeq: mine.initial === undefined ? packet.seq : (packet.seq - mine.initial) >>> 0,
      relativeAck: theirs.initial === undefined ? packet.ack : acks ? (packet.ack - theirs.initial) >>> 0 : 0,
    });
  }
  return packets.map((_, row) => new NamedPacket(names, row));
}

/** What is known of every direction of every connection, by the place where it was captured. */
class Directions {
  readonly #ways = new WayNumbers();
  readonly #points = new PairNumbers();
  /** By place, by way. */
  readonly #known: Direction[][] = [];

  /** Of the way that a packet goes, with the way back. */
  of(packet: Packet): Direction {
    const there = this.#pointOf(packet, packet.outgoing);
    const way = this.#ways.of(packet);
    const known = this.#known[there]?.[way];
    if (known?.back !== undefined) return known;
    const mine = this.#at(there, way);
    mine.back = this.#at(this.#pointOf(packet, !packet.outgoing), this.#ways.back(way));
    return mine;
  }

  #pointOf({ host, interface: name }: Packet, outgoing: boolean): number {
    return 2 * this.#points.of(host, name) + (outgoing ? 1 : 0);
  }

  #at(point: number, way: number): Direction {
    const ways = this.#known[point] ?? [];
    this.#known[point] = ways;
    const known = ways[way];
    if (known !== undefined) return known;
    const begun: Direction = { ...fresh(), back: undefined };
    ways[way] = begun;
    return begun;
  }
}

const NAMES = new Map(SEGMENT_NAMES.map((name, index) => [name, index]));
const REASONS = new Map<ResetReason | undefined, number>(RESET_REASONS.map((reason, index) => [reason, index + 1]));

/** What is said of packets, in columns: there may be millions. */
class Names {
  readonly packets: readonly Packet[];
  readonly #names: Uint8Array;
  readonly #resets: Uint8Array;
  readonly #anchored: Uint8Array;
  readonly #seqs: Uint32Array;
  readonly #acks: Uint32Array;

  constructor(packets: readonly Packet[]) {
    this.packets = packets;
    const { length } = packets;
    this.#names = new Uint8Array(length);
    this.#resets = new Uint8Array(length);
    this.#anchored = new Uint8Array(length);
    this.#seqs = new Uint32Array(length);
    this.#acks = new Uint32Array(length);
  }

  set(row: number, { name, reset, anchored, relativeSeq, relativeAck }: Named): void {
    this.#names[row] = NAMES.get(name) as number;
    this.#resets[row] = REASONS.get(reset) ?? 0;
    this.#anchored[row] = anchored ? 1 : 0;
    this.#seqs[row] = relativeSeq;
    this.#acks[row] = relativeAck;
  }

  nameOf = (row: number): SegmentName => SEGMENT_NAMES[this.#names[row] as number] as SegmentName;
  resetOf = (row: number): ResetReason | undefined => RESET_REASONS[(this.#resets[row] as number) - 1];
  isAnchored = (row: number): boolean => this.#anchored[row] === 1;
  seqOf = (row: number): number => this.#seqs[row] as number;
  ackOf = (row: number): number => this.#acks[row] as number;
}

/** A packet with what is said of it. */
class NamedPacket implements Segment {
  readonly #names: Names;
  readonly #row: number;

  constructor(names: Names, row: number) {
    this.#names = names;
    this.#row = row;
  }

  get #packet(): Packet {
    return this.#names.packets[this.#row] as Packet;
  }
  get name(): SegmentName {
    return this.#names.nameOf(this.#row);
  }
  get reset(): ResetReason | undefined {
    return this.#names.resetOf(this.#row);
  }
  get anchored(): boolean {
    return this.#names.isAnchored(this.#row);
  }
  get relativeSeq(): number {
    return this.#names.seqOf(this.#row);
  }
  get relativeAck(): number {
    return this.#names.ackOf(this.#row);
  }
  get n(): number {
    return this.#packet.n;
  }
  get time(): number {
    return this.#packet.time;
  }
  get host(): string {
    return this.#packet.host;
  }
  get interface(): string {
    return this.#packet.interface;
  }
  get outgoing(): boolean {
    return this.#packet.outgoing;
  }
  get src(): string {
    return this.#packet.src;
  }
  get sport(): number {
    return this.#packet.sport;
  }
  get dst(): string {
    return this.#packet.dst;
  }
  get dport(): number {
    return this.#packet.dport;
  }
  get flags(): string {
    return this.#packet.flags;
  }
  get seq(): number {
    return this.#packet.seq;
  }
  get ack(): number {
    return this.#packet.ack;
  }
  get window(): number {
    return this.#packet.window;
  }
  get dataOffset(): number {
    return this.#packet.dataOffset;
  }
  get options(): Packet['options'] {
    return this.#packet.options;
  }
  get checksum(): Packet['checksum'] {
    return this.#packet.checksum;
  }
  get length(): number {
    return this.#packet.length;
  }
  get ttl(): number {
    return this.#packet.ttl;
  }
}

function remember(packet: Packet, name: SegmentName, mine: Direction, theirs: Direction): void {
  const end = endOf(packet);
  const acks = packet.flags.includes('A');
  const again = isRetransmission(name);
  mine.challenges =
    (packet.flags === 'S' && theirs.lived) ||
    (acks && theirs.next !== undefined && theirs.lived && seqDelta(theirs.next, packet.ack) > 0);
  if (again) mine.sentAgain = true;
  // What a window of zero did not let in will be sent again as if for the first time.
  if (name !== 'zero-window probe' && (mine.next === undefined || seqDelta(mine.next, end) > 0)) {
    mine.next = end;
    if (seqLength(packet) > 0) mine.sentAgain = false;
  }
  if (name === 'duplicate ACK') {
    mine.duplicates++;
    mine.duplicateAt = packet.time;
  } else if (acks && mine.lastAck !== undefined && seqDelta(mine.lastAck, packet.ack) > 0) {
    mine.duplicates = 0;
    theirs.sentAgain = false;
  }
  mine.said = { time: packet.time, flags: packet.flags, seq: packet.seq, ack: packet.ack, end };
  if (acks) mine.lastAck = packet.ack;
  mine.lastWindow = packet.window;
  if (acks && !packet.flags.includes('S')) mine.lived = true;
  mine.probed = name === 'keepalive probe' ? 'keepalive' : name === 'zero-window probe' ? 'window' : undefined;
  theirs.probed = undefined;
  theirs.challenges = false;
}

function nameOf(packet: Packet, mine: Direction, theirs: Direction): SegmentName {
  const flags = plainFlags(packet);
  if (flags.includes('R')) return 'reset';
  const end = endOf(packet);
  const old = mine.next !== undefined && seqLength(packet) > 0 && seqDelta(mine.next, end) <= 0;
  if (flags.includes('S')) return old ? 'retransmission' : flags.includes('A') ? 'SYN-ACK' : 'SYN';
  const probe = probeOf(packet, flags, mine, theirs);
  if (probe) return probe;
  if (old) return retransmissionOf(packet, mine, theirs);
  if (flags.includes('F')) return 'fin';
  if (packet.length > 0) return 'data';
  return acknowledgementOf(packet, mine, theirs);
}

/**
 * An ACK without news whose number is one below the next asks for an answer (tcp_xmit_probe_skb sends snd_una - 1): whether
 * the other end is there, or, where it had closed its window, whether it is open (RFC 9293, 3.8.4 and 3.8.6.1). Other systems
 * ask for the window with the next byte.
 */
function probeOf(packet: Packet, flags: string, mine: Direction, theirs: Direction): SegmentName | undefined {
  if (mine.next === undefined || packet.length > 1) return undefined;
  const shut = theirs.lastWindow === 0;
  const behind = seqDelta(packet.seq, mine.next);
  if (flags === 'A' && behind === 1) return shut ? 'zero-window probe' : 'keepalive probe';
  return shut && packet.length === 1 && behind === 0 && !flags.includes('F') ? 'zero-window probe' : undefined;
}

function retransmissionOf(packet: Packet, mine: Direction, theirs: Direction): SegmentName {
  const unacknowledged = theirs.lastAck;
  if (unacknowledged === undefined || mine.sentAgain) return 'retransmission';
  const isFirst = packet.seq === unacknowledged;
  if (isFirst && theirs.duplicates >= DUPLICATES_OF_A_LOSS && packet.time - theirs.duplicateAt < LEAST_RTO_SECONDS)
    return 'fast retransmission';
  // A timer sends the first that is missing again; only a tail-loss probe begins with the last (RFC 8985, 7.3).
  const isLast = endOf(packet) === mine.next;
  const isAsked = theirs.duplicates > 0;
  return isLast && !isAsked && seqDelta(unacknowledged, packet.seq) > 0 ? 'tail-loss probe' : 'retransmission';
}

function acknowledgementOf(packet: Packet, mine: Direction, theirs: Direction): SegmentName {
  if (theirs.challenges && mine.lastAck === packet.ack) return 'challenge ACK';
  if (theirs.probed === 'keepalive') return 'keepalive answer';
  if (theirs.probed === 'window') return 'zero-window answer';
  const opens =
    !mine.lived &&
    mine.initial !== undefined &&
    theirs.initial !== undefined &&
    seqDelta(mine.initial, packet.seq) === 1 &&
    seqDelta(theirs.initial, packet.ack) === 1;
  if (opens) return 'handshake ACK';
  if (mine.lastAck !== packet.ack || mine.next !== packet.seq) return 'ack';
  // Of an end that says the same once more, something it did not wait for arrived, or its window has changed (RFC 5681, 2).
  if (packet.options.sack !== undefined || mine.lastWindow === packet.window) return 'duplicate ACK';
  return mine.lastWindow !== undefined && packet.window > mine.lastWindow ? 'window update' : 'ack';
}

function reasonOf(packet: Packet, mine: Direction, theirs: Direction): ResetReason {
  const { said } = theirs;
  const asked = said !== undefined && packet.time - said.time <= ANSWER_SECONDS ? said : undefined;
  if (packet.flags.includes('A')) {
    if (asked && !asked.flags.includes('A') && packet.ack === asked.end) {
      const isSyn = asked.flags.includes('S');
      // Who has said SYN-ACK has refused nothing.
      if (packet.seq === 0 || (isSyn && mine.next === undefined)) return isSyn ? 'refused' : 'no-socket';
    }
    return mine.next === packet.seq && (mine.lived || theirs.lived) ? 'abort' : 'unknown';
  }
  // Who has itself asked for a connection does not know the one that it is answered about, but it has a socket.
  const asksItself = mine.said?.flags === 'S';
  return asked?.flags.includes('A') && packet.seq === asked.ack && !asksItself ? 'no-socket' : 'unknown';
}

/** The flags as people write them: "SYN,ACK", "PSH,ACK", "RST". */
export function flagText(flags: string): string {
  const words: Record<string, string> = {
    S: 'SYN',
    F: 'FIN',
    R: 'RST',
    P: 'PSH',
    A: 'ACK',
    U: 'URG',
    E: 'ECE',
    C: 'CWR',
  };
  return [...flags].map((letter) => words[letter]).join(',') || '(none)';
}
