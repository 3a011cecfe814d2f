import { reversed, wayKey } from './endpoint.ts';
import { seqDelta, seqLength } from './packet.ts';
import type { Segment } from './segments.ts';

/** One segment on its way through the lab: sent once, seen at every capture point it passed. */
export interface Journey {
  /** The capture of it at its sender (for a segment that the middlebox made up: at the middlebox). */
  first: Segment;
  /** All captures of it, in the order of its way. */
  hops: Segment[];
  from: string;
  /** The last host that saw it. */
  to: string;
  /** True when it never got to a host that would take it: swallowed on the wire, or by a middlebox that stayed silent. */
  lost: boolean;
}

/** How long a segment may take from one capture point to the next, seconds. */
const TRAVEL_SECONDS = 0.5;

const identity = (segment: Segment) => `${segment.flags} ${segment.seq} ${segment.ack} ${segment.length}`;

/**
 * Joins what the capture points saw into journeys. Address translation changes addresses, not sequence numbers, so flags,
 * sequence numbers and length identify a segment; captures follow each other in time.
 * @param isMiddlebox hosts that pass segments on
 */
export function findJourneys(segments: readonly Segment[], isMiddlebox: (host: string) => boolean): Journey[] {
  const journeys: Journey[] = [];
  const open = new Map<string, Journey[]>();
  for (const segment of segments) {
    if (segment.interface === 'lo') continue;
    const id = identity(segment);
    const candidates = open.get(id) ?? [];
    const continues = candidates.find((journey) => {
      const last = journey.hops.at(-1) as Segment;
      if (segment.time - last.time > TRAVEL_SECONDS) return false;
      // From a sender onto the wire, or through a middlebox; never twice past the same point.
      return segment.outgoing
        ? !last.outgoing && last.host === segment.host
        : last.outgoing && last.host !== segment.host && last.src === segment.src && last.dst === segment.dst;
    });
    if (continues) {
      continues.hops.push(segment);
      continues.to = segment.host;
    } else {
      const journey: Journey = { first: segment, hops: [segment], from: segment.host, to: segment.host, lost: false };
      journeys.push(journey);
      open.set(id, [
        ...candidates.filter((candidate) => segment.time - candidate.first.time < 2 * TRAVEL_SECONDS),
        journey,
      ]);
    }
  }
  const heard = received(segments);
  const spoken = spokenByBoxes(journeys, isMiddlebox);
  for (const journey of journeys) journey.lost = isLost(journey.hops.at(-1) as Segment, isMiddlebox, heard, spoken);
  return journeys;
}

/** What each host received of each direction, in the order of time. */
function received(segments: readonly Segment[]): Map<string, Segment[]> {
  const heard = new Map<string, Segment[]>();
  for (const segment of segments) {
    if (segment.outgoing) continue;
    const tuple = wayKey(segment);
    const list = heard.get(tuple) ?? [];
    if (list.length === 0) heard.set(tuple, list);
    list.push(segment);
  }
  return heard;
}

/** Tuples in which a middlebox itself has spoken, being a proxy's end or resetting a sender. */
function spokenByBoxes(journeys: readonly Journey[], isMiddlebox: (host: string) => boolean): Set<string> {
  return new Set(
    journeys.filter(({ first }) => first.outgoing && isMiddlebox(first.host)).map(({ first }) => wayKey(first)),
  );
}

function isLost(
  last: Segment,
  isMiddlebox: (host: string) => boolean,
  heard: Map<string, Segment[]>,
  spoken: Set<string>,
): boolean {
  if (!last.outgoing) return isMiddlebox(last.host) && !spoken.has(wayKey(reversed(last)));
  // A segment that the kernel cut or joined on its way is not lost: its bytes arrived under another length.
  const end = (last.seq + seqLength(last)) >>> 0;
  return !(heard.get(wayKey(last)) ?? []).some(
    (other) =>
      seqLength(last) > 0 &&
      other.time >= last.time &&
      other.time - last.time < TRAVEL_SECONDS &&
      seqDelta(end, (other.seq + seqLength(other)) >>> 0) >= 0,
  );
}
