import { wayKey } from './endpoint.ts';
import { type Header, type Packet, parsePacket } from './packet.ts';
import type { CapturedFrame } from './pcapng.ts';

/** What is the same for a segment at both ends of a wire. */
const wireOf = (header: Header | Packet) =>
  `${wayKey(header)} ${header.flags} ${header.seq} ${header.ack} ${header.length}`;

/**
 * Merges the captures of all hosts into one, in the order of time. Each host's own order is kept. Where clocks stand still
 * (a time-travelling kernel does much in one tick) the order between hosts is that of cause and effect: a segment is
 * received after it was sent.
 * @param captures one list a host, each in the order of its capture
 */
export function mergeCaptures(captures: readonly (readonly CapturedFrame[])[]): CapturedFrame[] {
  const heads = captures.map(() => 0);
  const underWay = new Map<string, number>();
  const merged: CapturedFrame[] = [];
  const headers = new Map<CapturedFrame, Header | undefined>();
  const headerOf = (frame: CapturedFrame): Header | undefined => {
    if (!headers.has(frame)) headers.set(frame, parsePacket(frame.data, frame.linkType));
    return headers.get(frame);
  };
  const explained = (frame: CapturedFrame): boolean => {
    const header = headerOf(frame);
    return header === undefined || header.outgoing || (underWay.get(wireOf(header)) ?? 0) > 0;
  };
  for (;;) {
    const next = captures
      .map((capture, host) => ({ host, frame: capture[heads[host] as number] }))
      .filter((head): head is { host: number; frame: CapturedFrame } => head.frame !== undefined)
      .sort((a, b) =>
        a.frame.nanoseconds < b.frame.nanoseconds ? -1 : a.frame.nanoseconds > b.frame.nanoseconds ? 1 : 0,
      );
    const [earliest] = next;
    if (!earliest) return merged;
    const atOnce = next.filter(({ frame }) => frame.nanoseconds === earliest.frame.nanoseconds);
    const { host, frame } = atOnce.find((head) => explained(head.frame)) ?? earliest;
    heads[host] = (heads[host] as number) + 1;
    merged.push(frame);
    const header = headerOf(frame);
    if (header) {
      const wire = wireOf(header);
      underWay.set(wire, (underWay.get(wire) ?? 0) + (header.outgoing ? 1 : -1));
    }
  }
}
