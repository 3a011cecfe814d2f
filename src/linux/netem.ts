import { type Queue, setRootQueue } from './rtnetlink.ts';

// Delay by a queue (tc-netem(8)), set by netlink: no program is needed for it.

const KIND = 'netem';
/** Far more packets than a lab has under way at once: none is lost in the queue. */
const LIMIT = 100_000;
/** TCA_NETEM_LATENCY64 (linux/pkt_sched.h): nanoseconds, whatever the clock of the scheduler. */
const LATENCY_64 = 10;
const NANOSECONDS = 1e9;

/** struct tc_netem_qopt: latency, limit, loss, gap, duplicate, jitter. */
function options(seconds: number): Buffer {
  const bytes = Buffer.alloc(24 + 4 + 8);
  bytes.writeUInt32LE(LIMIT, 4);
  bytes.writeUInt16LE(12, 24);
  bytes.writeUInt16LE(LATENCY_64, 26);
  bytes.writeBigInt64LE(BigInt(Math.round(seconds * NANOSECONDS)), 28);
  return bytes;
}

const queue = (seconds: number): Queue => ({ kind: KIND, options: options(seconds) });

/**
 * Delays what an interface of the network namespace this thread is in sends; 0 ends it, and what is still delayed is lost.
 * @throws Error with `errno` where the kernel has no such queue (CONFIG_NET_SCH_NETEM): ENOENT
 */
export function delayWhatLeaves(index: number, seconds: number): void {
  setRootQueue(index, seconds > 0 ? queue(seconds) : undefined);
}
