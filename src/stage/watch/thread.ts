// The watcher's thread: waits in poll(2) for packets and for the kernel's events, writes them down at once, and does nothing
// else, so that nothing is lost while the lab's own thread is busy.
import { appendFileSync, closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { now } from '../../base/clock.ts';
import { flowChanges, parseChange } from '../../linux/ctnetlink.ts';
import { parseDiag, socketEnds } from '../../linux/inet-diag.ts';
import { closeNamespace, inNamespace, openNamespace, pollInput, preferThisThread } from '../../linux/libc.ts';
import type { NetlinkSocket } from '../../linux/netlink.ts';
import { PacketRing, RING_LINKTYPE } from '../../linux/packet-ring.ts';
import { pcapHeader } from '../../wire/pcap.ts';
import type { LostEvidence } from '../record.ts';
import { Parking } from './parking.ts';
import type { ThreadOrder, WatchAnswer, WatchCommand } from './watcher.ts';

/** Frames come in bursts: after one, the next is read together with what follows it. */
const BATCH_MS = 20;
/** Where reading costs more than waiting, the rings are left alone for longer and longer while they stay nearly empty. */
const LONGEST_MS = 60_000;
const NEARLY_EMPTY = 1 / 16;

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

class Watch implements Disposable {
  readonly #order: ThreadOrder;
  readonly #captures: { host: string; ring: PacketRing; file: number }[] = [];
  readonly #ends: { host: string; netlink: NetlinkSocket }[] = [];
  readonly #flows: { host: string; netlink: NetlinkSocket }[] = [];
  readonly #parkings: Parking[] = [];
  #readCapturesAt = 0;
  #pauseMs = BATCH_MS;
  #lostFlowEvents = false;

  constructor(order: ThreadOrder) {
    this.#order = order;
    const within = <T>(namespace: string | undefined, open: () => T): T => {
      if (namespace === undefined) return open();
      const fd = openNamespace(namespace);
      try {
        return inNamespace(fd, open);
      } finally {
        closeNamespace(fd);
      }
    };
    for (const { name, namespace, capture } of order.hosts) {
      const file = openSync(capture, 'w');
      writeSync(file, pcapHeader(RING_LINKTYPE));
      this.#captures.push({ host: name, ring: within(namespace, () => new PacketRing(order.slots)), file });
      this.#ends.push({ host: name, netlink: within(namespace, socketEnds) });
    }
    for (const { name, namespace } of order.hosts)
      if (order.middleboxes.includes(name)) this.#flows.push({ host: name, netlink: within(namespace, flowChanges) });
  }

  park(pid: number): void {
    this.#parkings.push(new Parking(pid));
  }

  unpark(pid: number): void {
    const at = this.#parkings.findIndex((parking) => parking.pid === pid);
    for (const parking of at < 0 ? [] : this.#parkings.splice(at, 1)) parking[Symbol.dispose]();
  }

  get descriptors(): number[] {
    return [
      ...(performance.now() >= this.#readCapturesAt ? this.#captures.map(({ ring }) => ring.fd) : []),
      ...this.#ends.map(({ netlink }) => netlink.fd),
      ...this.#flows.map(({ netlink }) => netlink.fd),
      ...this.#parkings.filter(({ parked }) => parked).map(({ fd }) => fd),
    ];
  }

  /** Milliseconds until something must be done although nothing has come; -1 for never. */
  get timeoutMs(): number {
    const time = performance.now();
    const due = Math.min(
      ...this.#parkings.map(({ due }) => due),
      this.#readCapturesAt > time ? this.#readCapturesAt : Number.POSITIVE_INFINITY,
    );
    return due === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(due - time));
  }

  handle(ready: ReadonlySet<number>): void {
    // First of all: who waits for a parked server waits for us.
    for (const parking of this.#parkings) if (parking.parked && ready.has(parking.fd)) parking.wake();
    for (const { host, netlink } of this.#ends) if (ready.has(netlink.fd)) this.#readEnds(host, netlink);
    for (const { host, netlink } of this.#flows) if (ready.has(netlink.fd)) this.#readFlows(host, netlink);
    if (this.#captures.some(({ ring }) => ready.has(ring.fd))) this.#readCaptures();
    for (const parking of this.#parkings) if (performance.now() >= parking.due) parking.park();
  }

  /** Rows of one reading, all at once: opening and closing the file costs more than a row. */
  #rows(file: string, rows: readonly object[]): void {
    if (rows.length === 0) return;
    const lines = rows.map((row) => `${JSON.stringify({ act: this.#order.act, ...row })}\n`);
    appendFileSync(join(this.#order.folder, file), lines.join(''));
  }

  #readEnds(host: string, netlink: NetlinkSocket): void {
    const time = now();
    const rows = netlink.events().messages.flatMap(({ payload }) => {
      const socket = parseDiag(payload);
      return socket ? [{ kind: 'destroyed', time, host, socket }] : [];
    });
    this.#rows(this.#order.socketsFile, rows);
  }

  #readFlows(host: string, netlink: NetlinkSocket): void {
    const time = now();
    const { messages, lost } = netlink.events();
    this.#lostFlowEvents ||= lost;
    const rows = messages.flatMap((message) => {
      const event = parseChange(message, time);
      return event ? [{ kind: 'event', host, ...event }] : [];
    });
    this.#rows(this.#order.flowsFile, rows);
  }

  #readCaptures(): void {
    let most = 0;
    for (const { ring, file } of this.#captures) {
      most = Math.max(
        most,
        ring.readRecords((bytes) => writeAll(file, bytes)),
      );
    }
    const calm = this.#order.clockJumps && most < this.#order.slots * NEARLY_EMPTY;
    this.#pauseMs = calm ? Math.min(this.#pauseMs * 2, LONGEST_MS) : BATCH_MS;
    this.#readCapturesAt = performance.now() + this.#pauseMs;
  }

  /** Something is about to happen: packets are read as they come. */
  attend(): void {
    this.#pauseMs = BATCH_MS;
    this.#readCapturesAt = 0;
  }

  /** Reads what is left. @returns what the kernel had to drop */
  finish(): LostEvidence {
    for (const { host, netlink } of this.#ends) this.#readEnds(host, netlink);
    for (const { host, netlink } of this.#flows) this.#readFlows(host, netlink);
    this.#readCaptures();
    return {
      frames: this.#captures
        .filter(({ ring }) => ring.dropped > 0)
        .map(({ host, ring }) => `${ring.dropped} frames on ${host}`),
      flowEvents: this.#lostFlowEvents,
    };
  }

  [Symbol.dispose](): void {
    for (const parking of this.#parkings) parking[Symbol.dispose]();
    for (const { netlink } of this.#ends) netlink[Symbol.dispose]();
    for (const { netlink } of this.#flows) netlink[Symbol.dispose]();
    for (const { ring, file } of this.#captures) {
      ring[Symbol.dispose]();
      closeSync(file);
    }
  }
}

const { wake, over } = workerData as { wake: number; over: Int32Array };
const port = parentPort as NonNullable<typeof parentPort>;
const answer = (message: WatchAnswer) => port.postMessage(message);
let watch: Watch | undefined;

function obey(command: WatchCommand): void {
  switch (command.do) {
    case 'start':
      watch = new Watch(command.order);
      // On the one CPU of a kernel of our own, who must not miss anything comes first.
      if (command.order.clockJumps) preferThisThread();
      answer({ did: 'start' });
      break;
    case 'attend':
      watch?.attend();
      break;
    case 'park':
      watch?.park(command.pid);
      break;
    case 'unpark':
      watch?.unpark(command.pid);
      answer({ did: 'unpark' });
      break;
    case 'stop': {
      const lost = watch?.finish() ?? { frames: [], flowEvents: false };
      watch?.[Symbol.dispose]();
      watch = undefined;
      answer({ did: 'stop', lost });
    }
  }
}

const counter = Buffer.alloc(8);
while (Atomics.load(over, 0) === 0) {
  const ready = pollInput([wake, ...(watch?.descriptors ?? [])], watch?.timeoutMs ?? -1);
  watch?.handle(ready);
  if (!ready.has(wake)) continue;
  readSync(wake, counter);
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port))
    obey(next.message as WatchCommand);
}
watch?.[Symbol.dispose]();
port.close();
