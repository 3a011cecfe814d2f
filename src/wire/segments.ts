import { reversed, wayKey } from './endpoint.ts';
import { type Packet, seqDelta, seqLength } from './packet.ts';

/** What a segment is for, as a reader of captures would call it. */
export const SEGMENT_NAMES = [
  'keepalive probe',
  'keepalive answer',
  'retransmission',
  'duplicate ACK',
  'handshake',
  'data',
  'ack',
  'fin',
  'reset',
] as const;
export type SegmentName = (typeof SEGMENT_NAMES)[number];

export interface Segment extends Packet {
  name: SegmentName;
  /** Relative to the initial sequence number of its direction, as Wireshark shows it; absolute where no SYN was seen. */
  relativeSeq: number;
  relativeAck: number;
  /** Whether this capture point saw both SYNs, so that the relative numbers are what they say. */
  anchored: boolean;
}

interface Direction {
  initial: number | undefined;
  /** The next sequence number after everything sent so far. */
  next: number | undefined;
  lastAck: number | undefined;
  /** Sequence number of an unanswered probe of the other side. */
  probed: boolean;
}

/**
 * Names every segment, from what one capture point saw before it. A keepalive probe is an ACK without news whose sequence
 * number is one below the next (tcp_write_wakeup sends snd_una - 1); its answer is the ACK that follows it.
 * @param packets of all capture points, in the order of time
 */
export function nameSegments(packets: readonly Packet[]): Segment[] {
  const points = new Map<string, Map<string, Direction>>();
  return packets.map((packet) => {
    const point = `${packet.host}/${packet.interface}/${packet.outgoing}`;
    const both = `${packet.host}/${packet.interface}/${!packet.outgoing}`;
    const at = (where: string, direction: string): Direction => {
      const directions = points.get(where) ?? (points.set(where, new Map()).get(where) as Map<string, Direction>);
      const known = directions.get(direction);
      if (known) return known;
      const fresh: Direction = { initial: undefined, next: undefined, lastAck: undefined, probed: false };
      directions.set(direction, fresh);
      return fresh;
    };
    const mine = at(point, wayKey(packet));
    const theirs = at(both, wayKey(reversed(packet)));
    const syn = packet.flags.includes('S');
    // A port used again begins a new connection.
    if (syn && mine.initial !== packet.seq)
      Object.assign(mine, { initial: packet.seq, next: undefined, lastAck: undefined, probed: false });
    const end = (packet.seq + seqLength(packet)) >>> 0;
    const name = nameOf(packet, mine, theirs);
    if (!packet.flags.includes('R')) {
      if (mine.next === undefined || seqDelta(mine.next, end) > 0) mine.next = end;
      mine.lastAck = packet.ack;
      mine.probed = name === 'keepalive probe';
      theirs.probed = false;
    }
    return {
      ...packet,
      name,
      anchored: mine.initial !== undefined && (theirs.initial !== undefined || !packet.flags.includes('A')),
      relativeSeq: mine.initial === undefined ? packet.seq : (packet.seq - mine.initial) >>> 0,
      relativeAck:
        theirs.initial === undefined
          ? packet.ack
          : packet.flags.includes('A')
            ? (packet.ack - theirs.initial) >>> 0
            : 0,
    };
  });
}

function nameOf(packet: Packet, mine: Direction, theirs: Direction): SegmentName {
  const { flags } = packet;
  if (flags.includes('R')) return 'reset';
  const old =
    mine.next !== undefined &&
    seqLength(packet) > 0 &&
    seqDelta(mine.next, (packet.seq + seqLength(packet)) >>> 0) <= 0;
  if (flags.includes('S')) return old ? 'retransmission' : 'handshake';
  if (mine.next !== undefined && flags === 'A' && packet.length <= 1 && seqDelta(packet.seq, mine.next) === 1)
    return 'keepalive probe';
  if (old) return 'retransmission';
  if (flags.includes('F')) return 'fin';
  if (packet.length > 0) return 'data';
  if (theirs.probed) return 'keepalive answer';
  return mine.lastAck === packet.ack && mine.next === packet.seq ? 'duplicate ACK' : 'ack';
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
