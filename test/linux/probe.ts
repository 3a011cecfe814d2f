// What the kernel's tables, events and packets say of one connection over the loopback of a network namespace of its own.
// Run by kernel.test.ts inside that namespace; prints one JSON document.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../src/base/clock.ts';
import { flowChanges, flowTable, parseChange } from '../../src/linux/ctnetlink.ts';
import { parseDiag, socketEnds, socketTable } from '../../src/linux/inet-diag.ts';
import { interfaceIndex, kernelHz, pollInput } from '../../src/linux/libc.ts';
import { PacketRing, RING_LINKTYPE } from '../../src/linux/packet-ring.ts';
import { setLink } from '../../src/linux/rtnetlink.ts';
import { parsePacket } from '../../src/wire/packet.ts';

const PORT = 6379;

setLink(interfaceIndex('lo'), true);
const rules = 'table ip t { chain c { type filter hook input priority 0; ct state invalid drop; }; }';
const nft = spawnSync('nft', ['-f', '-'], { input: rules, encoding: 'utf8' });
if (nft.status !== 0) throw new Error(nft.stderr);

const ring = new PacketRing(64);
const small = new PacketRing(2);
const ends = socketEnds();
const changes = flowChanges();
const server = createServer((socket) => socket.on('error', () => {}).end('hello'));
await new Promise<void>((resolve) => server.listen(PORT, '127.0.0.1', resolve));
const client: Socket = connect({
  port: PORT,
  host: '127.0.0.1',
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: 100_000,
});
await new Promise<void>((resolve) => client.once('connect', resolve));
await sleep(50);
const local = `127.0.0.1:${client.localPort}`;
const table = socketTable();
const flows = flowTable();
const procTcp = readFileSync('/proc/self/net/tcp', 'utf8');
client.destroy();
await sleep(50);
const readable = pollInput([ends.fd, changes.fd, ring.fd], 1000).size;
const readAt = now();
console.log(
  JSON.stringify({
    local,
    hz: kernelHz(),
    readable,
    readAt,
    table,
    flows,
    procTcp,
    ends: ends.events().messages.map(({ payload }) => parseDiag(payload)),
    changes: changes.events().messages.map((message) => parseChange(message, readAt)),
    packets: ring
      .read()
      .map((frame) => ({ ...frame, data: undefined, packet: parsePacket(frame.data, RING_LINKTYPE) })),
    dropped: ring.dropped,
    droppedOfTwo: small.dropped,
    keptOfTwo: small.read().length,
  }),
);
process.exit();
