import { hostsOnPath } from '../plan/paths.ts';
import { parseEndpoint, reversed, type Way, wayKey } from '../wire/endpoint.ts';
import { hostsByAddress, type Moment, type Passages, passagesOf, type Walk } from './passages.ts';
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

/** A socket in TIME-WAIT has said goodbye, one in SYN-SENT has not yet been heard: neither is the other end of a connection. */
const NO_END: ReadonlySet<string> = new Set(['TIME-WAIT', 'SYN-SENT']);

function wayOf({ local, peer }: SampledSocket): Way | undefined {
  const [from, to] = [parseEndpoint(local), parseEndpoint(peer)];
  return from && to && { src: from.address, sport: from.port, dst: to.address, dport: to.port };
}

/** The boxes that stand between two hosts on any path. */
function boxesBetween({ plan }: ActEvidence): (one: string, other: string) => readonly string[] {
  const chains = plan.paths.map(hostsOnPath);
  const boxes = new Set(plan.paths.flatMap((path) => path.boxes));
  const known = new Map<string, readonly string[]>();
  return (one, other) => {
    const key = `${one} ${other}`;
    const found =
      known.get(key) ??
      chains.flatMap((chain) => {
        const [first, last] = [chain.indexOf(one), chain.indexOf(other)].sort((a, b) => a - b) as [number, number];
        return first < 0 ? [] : chain.slice(first + 1, last).filter((host) => boxes.has(host));
      });
    known.set(key, found);
    return found;
  };
}

/**
 * Finds zombies by matching the socket tables of all hosts, through whatever boxes made of the addresses between them.
 *
 * A socket's counterpart is the socket of another host at the other end of its way: the way's two ends exchanged, after every
 * translation on it. Proxies end connections, so their own sockets are ends, too. The relation must hold both ways: a server's
 * socket for a client that a box has since led elsewhere has no counterpart, although a client socket with that port exists.
 * Where a box that translates told nothing of a way, and where the other host was not looked at, nothing is claimed.
 *
 * @param samples one look at the sockets of hosts
 */
export function matchSockets(
  evidence: ActEvidence,
  samples: readonly SocketSample[],
  passages: Passages = passagesOf(evidence),
): Matching {
  const at: Moment = { time: Math.max(...samples.map(({ time }) => time)), sample: samples[0]?.sample };
  const all = samples.flatMap(({ host, time, sockets }) =>
    sockets.map((socket): PlacedSocket => ({ host, time, socket })),
  );
  const existing = new Map<string, string>();
  for (const { host, socket } of all) {
    const way = NO_END.has(socket.state) ? undefined : wayOf(socket);
    if (way !== undefined) existing.set(wayKey(way), host);
  }
  const looked = new Set(samples.map(({ host }) => host));
  const hostOf = hostsByAddress(evidence.record.addresses);
  const between = boxesBetween(evidence);

  const boxes = new Set(evidence.plan.paths.flatMap((path) => path.boxes));
  const withSockets = new Set(
    [...evidence.samples, ...samples].flatMap(({ host, sockets }) => (sockets.length > 0 ? [host] : [])),
  );
  /** A box of which nothing at all is known, neither passages nor sockets, may translate as well. */
  const mayTranslate = (box: string): boolean =>
    passages.translators.has(box) || (boxes.has(box) && !passages.boxes.has(box) && !withSockets.has(box));

  /** Whether a way between two hosts, the second one included, may have been translated by a box that told nothing of it. */
  const maybeTranslated = (host: string, end: string, passed: Walk['passed']): boolean => {
    const told = new Set(passed.map(({ box }) => box));
    return [end, ...between(host, end)].some((box) => mayTranslate(box) && !told.has(box));
  };

  const hasCounterpart = ({ host, socket }: PlacedSocket): boolean | undefined => {
    const out = wayOf(socket);
    if (out === undefined) return undefined;
    const back = reversed(out);
    const [forward, backward] = [passages.forward(out, at), passages.backward(back, at)];
    // Of a socket on the servers' side the way leads back to a client.
    const onServersSide = forward.passed.length === 0 && backward.passed.length > 0;
    const walk = onServersSide ? backward : forward;
    const other = onServersSide ? walk.way : reversed(walk.way);
    const mirror = existing.get(wayKey(other));
    if (mirror !== undefined && mirror !== host) {
      // Both ends must be led to each other: another connection may have been given this way since.
      const returns = onServersSide ? passages.forward(other, at).way : passages.backward(walk.way, at).way;
      return wayKey(returns) === wayKey(onServersSide ? back : out);
    }
    const end = hostOf.get(other.src);
    if (end === undefined || maybeTranslated(host, end, walk.passed) || !looked.has(end)) return undefined;
    return false;
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
