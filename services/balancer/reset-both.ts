// What a balancer with "TCP reset on idle" does: at a flow's expiry it sends RST to both ends. The expiry is the
// kernel's (a conntrack DESTROY event of an ESTABLISHED flow); the sequence numbers are those of its own capture, for a
// RST counts only if it is exactly the next one expected (RFC 5961, 3.2).
//
// usage, on the middlebox: reset-both <ports it listens on>[/<ports of servers>] <idle timeout in seconds>; ports: 6379,6380
import { now } from '../../src/base/clock.ts';
import { flowChanges, flowTable, parseChange } from '../../src/linux/ctnetlink.ts';
import { pollInput, send, socket } from '../../src/linux/libc.ts';
import { PacketRing, RING_LINKTYPE } from '../../src/linux/packet-ring.ts';
import { addressBytes } from '../../src/wire/address.ts';
import { destinationText, reversed, sourceText, type Way, wayKey, wayText } from '../../src/wire/endpoint.ts';
import type { FlowEvent } from '../../src/wire/flows.ts';
import { parsePacket, seqDelta, seqLength } from '../../src/wire/packet.ts';
import { resetPacket } from '../../src/wire/reset-packet.ts';

const [own, servers] = (process.argv[2] as string).split('/').map((list) => list.split(',').map(Number));
const listening = new Set(own);
const ports = new Set([...listening, ...(servers ?? [])]);
const idleSeconds = Number(process.argv[3]);
/** The kernel removes an expired entry when it next looks at it; we make it look just after the expiry. */
const LOOK_AFTER_MS = 20;
const SLOTS = 4096;
const [AF_INET, AF_INET6, SOCK_RAW, IPPROTO_RAW] = [2, 10, 3, 255];

const openRaw = (family: number) => socket(family, SOCK_RAW, IPPROTO_RAW);
const raw = openRaw(AF_INET);
/** Opened when first needed: a kernel may have no IPv6. */
let raw6: number | undefined;

/** A struct sockaddr_in or sockaddr_in6 without a port, from an address's bytes. */
function socketAddress(address: Buffer): Buffer {
  const bytes = Buffer.alloc(address.length === 4 ? 16 : 28);
  bytes.writeUInt16LE(address.length === 4 ? AF_INET : AF_INET6, 0);
  address.copy(bytes, address.length === 4 ? 4 : 8);
  return bytes;
}

const ring = new PacketRing(SLOTS);
const changes = flowChanges();

/** Next sequence number of every direction seen. */
const nextSequence = new Map<string, number>();
/** When each connection will have been idle for long enough, by its client's end; milliseconds of performance.now(). */
const expiry = new Map<string, number>();

function reset(way: Way): void {
  const seq = nextSequence.get(wayKey(way));
  if (seq === undefined) return;
  const to = addressBytes(way.dst) as Buffer;
  if (to.length === 16) raw6 ??= openRaw(AF_INET6);
  send(to.length === 16 ? (raw6 as number) : raw, resetPacket({ ...way, seq }), socketAddress(to));
  console.log(`reset ${wayText(way)} seq ${seq}`);
}

function onDestroy({ reason, original, reply }: FlowEvent): void {
  // What somebody deletes by hand he wants to have expired.
  if (reason !== 'idle-timeout' && reason !== 'deleted') return;
  // To the client in the service's name, to the broker in the client's.
  reset(reversed(original));
  reset(reversed(reply));
}

function readPackets(): void {
  for (const { data } of ring.read()) {
    const packet = parsePacket(data, RING_LINKTYPE);
    if (!packet || packet.flags.includes('R') || !(ports.has(packet.sport) || ports.has(packet.dport))) continue;
    const key = wayKey(packet);
    const next = (packet.seq + seqLength(packet)) >>> 0;
    const known = nextSequence.get(key);
    if (known === undefined || packet.flags.includes('S') || seqDelta(known, next) > 0) nextSequence.set(key, next);
    expiry.set(
      listening.has(packet.dport) ? sourceText(packet) : destinationText(packet),
      performance.now() + idleSeconds * 1000,
    );
  }
}

/** Looking at the table makes the kernel drop what has expired (ctnetlink_dump_table), which tells us by events. */
function lookAtExpired(): void {
  const time = performance.now();
  const due = [...expiry].filter(([, at]) => at + LOOK_AFTER_MS <= time);
  for (const [flow] of due) expiry.delete(flow);
  if (due.length > 0) flowTable();
}

console.log('ready');
for (;;) {
  const next = Math.min(...expiry.values()) + LOOK_AFTER_MS - performance.now();
  pollInput([ring.fd, changes.fd], expiry.size === 0 ? -1 : Math.max(0, Math.ceil(next)));
  readPackets();
  lookAtExpired();
  for (const message of changes.events().messages) {
    const event = parseChange(message, now());
    if (event) onDestroy(event);
  }
}
