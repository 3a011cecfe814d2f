// Keeps the timers that connection tracking lacks: it sees when packets of each flow come (by a ring of its own) and has the
// kernel forget a flow when its time is over, as `conntrack -D` would. What late packets meet is for the box's rules to decide.
// It waits in poll(2) for the next packet or the next expiry, and does nothing in between.
//
// usage, on the middlebox: flow-clocks <order as JSON: src/talk/flow-clocks>; prints "ready", then a line for each flow forgotten

import { now } from '../../src/base/clock.ts';
import { FlowForgetter, flowChanges, parseChange } from '../../src/linux/ctnetlink.ts';
import { pollInput } from '../../src/linux/libc.ts';
import { PacketRing, RING_LINKTYPE } from '../../src/linux/packet-ring.ts';
import type { ClocksOrder } from '../../src/talk/flow-clocks.ts';
import { parsePacket } from '../../src/wire/packet.ts';
import { FlowClocks } from './clocks.ts';

/** What each flow may send in one burst, seen on the way in and on the way out. */
const FRAMES_A_FLOW = 32;
const SLOTS = { least: 1024, most: 65_536 } as const;
/** poll(2) takes milliseconds in 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

const { terms, ports, flows } = JSON.parse(process.argv[2] as string) as ClocksOrder;
const ours = new Set(ports);
const slots = Math.min(SLOTS.most, Math.max(SLOTS.least, 2 ** Math.ceil(Math.log2(flows * FRAMES_A_FLOW))));
const clocks = new FlowClocks(terms);
const changes = flowChanges();
const forgetter = new FlowForgetter();
// A life runs whatever a flow carries: no packet need be seen.
const ring = terms.idleSeconds === undefined && terms.sides === undefined ? undefined : new PacketRing(slots);

function readChanges(): void {
  const { messages, lost } = changes.events();
  if (lost) throw new Error('the kernel dropped events of connection tracking: flows would live on unseen');
  for (const message of messages) {
    const change = parseChange(message, now());
    if (change === undefined || !ours.has(change.original.dport)) continue;
    if (change.event === 'NEW') clocks.begin(change, change.time);
    else clocks.end(change.original);
  }
}

function readPackets(): void {
  if (ring === undefined) return;
  for (const { data, seconds, nanoseconds } of ring.read()) {
    const packet = parsePacket(data, RING_LINKTYPE);
    if (!packet || packet.outgoing || !(ours.has(packet.sport) || ours.has(packet.dport))) continue;
    clocks.see({
      way: packet,
      time: seconds + nanoseconds / 1e9,
      bytes: packet.length,
      ends: packet.flags.includes('F') || packet.flags.includes('R'),
    });
  }
  if (ring.dropped > 0)
    throw new Error(`the kernel dropped ${ring.dropped} packets: flows would be forgotten too early`);
}

function forgetDue(): void {
  const time = now();
  for (const forgotten of clocks.forget(time)) {
    // Gone already, by a FIN or RST in this moment: then it was not forgotten.
    if (!forgetter.forget(forgotten.original)) continue;
    console.log(JSON.stringify({ time, event: 'forgot', ...forgotten }));
  }
}

console.log('ready');
const descriptors = [changes.fd, ...(ring ? [ring.fd] : [])];
for (;;) {
  const due = clocks.due();
  const wait = due === undefined ? -1 : Math.min(LONGEST_MS, Math.max(0, Math.ceil((due - now()) * 1000)));
  pollInput(descriptors, wait);
  // Beginnings first: packets belong to them.
  readChanges();
  readPackets();
  forgetDue();
}
