import { canonicalAddress } from '../wire/address.ts';
import { keyBetween, wayKey } from '../wire/endpoint.ts';
import type { Tuple } from '../wire/flows.ts';
import type { ActEvidence, SampledSocket, SocketSample } from './read.ts';

export interface PlacedSocket {
  host: string;
  time: number;
  socket: SampledSocket;
}

export interface Matching {
  /** ESTABLISHED sockets whose counterpart does not exist (any more). */
  zombies: PlacedSocket[];
  /** ESTABLISHED sockets about whose counterpart the evidence says nothing. */
  unknown: PlacedSocket[];
}

interface Translation {
  time: number;
  original: Tuple;
  reply: Tuple;
}

/**
 * The translations a middlebox made, as its own connection tracking told: in events when made, in tables while kept. Only
 * those that begin at a client's end are kept: an answer that comes too late makes a flow in the other direction, which
 * translates nothing.
 */
function translationsOf(evidence: ActEvidence, isServer: (address: string) => boolean): Translation[] {
  const fromEvents = evidence.flowEvents.filter((event) => event.event === 'NEW');
  const fromTables = evidence.flowTables.flatMap((table) => table.flows.map((flow) => ({ ...flow, time: table.time })));
  return [...fromEvents, ...fromTables]
    .filter((flow) => !isServer(flow.original.src))
    .map(({ time, original, reply }) => ({ time, original, reply }))
    .sort((a, b) => a.time - b.time);
}

/**
 * Finds zombies by matching the socket tables of all hosts, through the middlebox's address translation.
 *
 * A socket's counterpart is the socket of another host with the two ends exchanged; behind a translation, the one that the
 * client's *latest* translation leads to. The relation must hold both ways: a server's socket for a client that the
 * middlebox has since led elsewhere has no counterpart, although a client socket with that port exists.
 */
export function matchSockets(evidence: ActEvidence, samples: readonly SocketSample[]): Matching {
  const brokerAddresses = new Set(
    evidence.plan.hosts
      .filter((host) => host.role === 'server')
      .flatMap((host) => (evidence.record.addresses[host.name] ?? []).map(canonicalAddress)),
  );
  const isServer = (address: string) => brokerAddresses.has(address);
  const latest = Math.max(...samples.map((sample) => sample.time));
  const byClientEnd = new Map<string, Translation>();
  const byServerEnds = new Map<string, Translation[]>();
  for (const translation of translationsOf(evidence, isServer)) {
    if (translation.time > latest) break;
    const { original, reply } = translation;
    byClientEnd.set(wayKey(original), translation);
    const serverKey = wayKey(reply);
    byServerEnds.set(serverKey, [...(byServerEnds.get(serverKey) ?? []), translation]);
  }
  const all = samples.flatMap(({ host, time, sockets }) =>
    sockets.map((socket): PlacedSocket => ({ host, time, socket })),
  );
  // A socket in TIME-WAIT has said goodbye, one in SYN-SENT has not yet been heard: neither is the other end of a connection.
  const existing = new Map(
    all
      .filter(({ socket }) => socket.state !== 'TIME-WAIT' && socket.state !== 'SYN-SENT')
      .map((placed) => [keyBetween(placed.socket.local, placed.socket.peer), placed]),
  );
  const translates = translated(evidence);

  const hasCounterpart = ({ host, socket }: PlacedSocket): boolean | undefined => {
    const mirror = existing.get(keyBetween(socket.peer, socket.local));
    const forward = byClientEnd.get(keyBetween(socket.local, socket.peer));
    if (forward) {
      const { reply } = forward;
      return existing.has(wayKey(reply));
    }
    const candidates = byServerEnds.get(keyBetween(socket.local, socket.peer));
    if (candidates)
      return candidates.some(({ original, reply }) => {
        const clientEnds = wayKey(original);
        const current = byClientEnd.get(clientEnds);
        return existing.has(clientEnds) && current?.reply.src === reply.src && current.reply.sport === reply.sport;
      });
    if (mirror) return mirror.host !== host;
    // Where nothing is translated the two ends name each other, so a missing mirror is a missing socket. Where addresses
    // are translated, a socket without a known translation says nothing.
    return translates ? undefined : false;
  };

  const matching: Matching = { zombies: [], unknown: [] };
  for (const placed of all) {
    if (placed.socket.state !== 'ESTABLISHED') continue;
    const found = hasCounterpart(placed);
    if (found === undefined) matching.unknown.push(placed);
    else if (!found) matching.zombies.push(placed);
  }
  return matching;
}

/** Whether this middlebox translates addresses at all, by its own flows. */
function translated(evidence: ActEvidence): boolean {
  return evidence.flowEvents.some(({ original, reply }) => original.dst !== reply.src || original.src !== reply.dst);
}
