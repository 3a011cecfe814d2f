// What a balancer with "TCP reset on idle" does: at a flow's expiry it sends RST to both ends. The expiry is the
// kernel's (a conntrack DESTROY event of an ESTABLISHED flow); the sequence numbers are those of its own capture, for a
// RST counts only if it is exactly the next one expected (RFC 5961, 3.2).
//
// usage, on the middlebox: reset-both <port> <idle timeout in seconds>
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import koffi from 'koffi';
import { type FlowEvent, parseFlowEvent } from '../../src/evidence/conntrack.ts';
import { parsePacket, seqDelta, seqLength } from '../../src/evidence/packet.ts';
import { PcapStream } from '../../src/evidence/pcap.ts';
import { resetPacket } from './reset-packet.ts';

const port = Number(process.argv[2]);
const idleSeconds = Number(process.argv[3]);
/** The kernel removes an expired entry when it next looks at it; we make it look just after the expiry. */
const LOOK_AFTER_MS = 20;

const libc = koffi.load('libc.so.6');
const openSocket = libc.func('int socket(int, int, int)');
const sendTo = libc.func('long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)');
const [AF_INET, SOCK_RAW, IPPROTO_RAW] = [2, 3, 255];
const raw = openSocket(AF_INET, SOCK_RAW, IPPROTO_RAW) as number;
if (raw < 0) throw new Error(`cannot open a raw socket (errno ${koffi.errno()}): CAP_NET_RAW is needed`);

/** Next sequence number of every direction seen, by "src:sport>dst:dport". */
const nextSequence = new Map<string, number>();
const direction = (src: string, sport: number, dst: string, dport: number) => `${src}:${sport}>${dst}:${dport}`;
/** When each connection will have been idle for long enough, by its client's end; milliseconds of performance.now(). */
const expiry = new Map<string, number>();
let look: NodeJS.Timeout | undefined;

function reset(src: string, sport: number, dst: string, dport: number): void {
  const seq = nextSequence.get(direction(src, sport, dst, dport));
  if (seq === undefined) return;
  const packet = resetPacket({ src, sport, dst, dport, seq });
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  Buffer.from(dst.split('.').map(Number)).copy(address, 4);
  if (Number(sendTo(raw, packet, packet.length, 0, address, address.length)) < 0)
    console.error(`sendto ${dst}: errno ${koffi.errno()}`);
  else console.log(`reset ${src}:${sport} > ${dst}:${dport} seq ${seq}`);
}

function onDestroy({ reason, original, reply }: FlowEvent): void {
  if (reason !== 'idle-timeout') return;
  // To the client in the service's name, to the broker in the client's.
  reset(original.dst, original.dport, original.src, original.sport);
  reset(reply.dst, reply.dport, reply.src, reply.sport);
}

/** Helpers must not outlive this process, however it ends (prctl(2), PR_SET_PDEATHSIG). */
const DIES_WITH_US = ['--pdeathsig', 'KILL'];

const stream = new PcapStream();
// Headers are all it needs; a snap length far above them would leave few slots in the ring, and a late look would lose some.
const TCPDUMP = ['-i', 'any', '-U', '--immediate-mode', '-s', '160', '-B', '8192', '-w', '-', `tcp port ${port}`];
const capture = spawn('setpriv', [...DIES_WITH_US, 'tcpdump', ...TCPDUMP], { stdio: ['ignore', 'pipe', 'pipe'] });
capture.stdout.on('data', (bytes: Buffer) => {
  for (const frame of stream.push(bytes)) {
    const packet = parsePacket(frame.data, frame.linkType);
    if (!packet || packet.flags.includes('R')) continue;
    const key = direction(packet.src, packet.sport, packet.dst, packet.dport);
    const next = (packet.seq + seqLength(packet)) >>> 0;
    const known = nextSequence.get(key);
    if (known === undefined || packet.flags.includes('S') || seqDelta(known, next) > 0) nextSequence.set(key, next);
    expiry.set(
      packet.dport === port ? `${packet.src}:${packet.sport}` : `${packet.dst}:${packet.dport}`,
      performance.now() + idleSeconds * 1000,
    );
  }
  plan();
});

function plan(): void {
  if (look !== undefined || expiry.size === 0) return;
  look = setTimeout(makeKernelLook, Math.max(0, Math.min(...expiry.values()) - performance.now() + LOOK_AFTER_MS));
}

/** Listing the table makes the kernel drop what has expired (ctnetlink_dump_table), which tells us by events. */
function makeKernelLook(): void {
  look = undefined;
  for (const [flow, time] of expiry) if (time <= performance.now()) expiry.delete(flow);
  spawn('conntrack', ['-L'], { stdio: 'ignore' });
  plan();
}

const events = spawn('setpriv', [...DIES_WITH_US, 'conntrack', '-E', '-e', 'DESTROY', '-o', 'timestamp,id,extended'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
createInterface({ input: events.stdout }).on('line', (line) => {
  const event = parseFlowEvent(line);
  if (event) onDestroy(event);
});
createInterface({ input: capture.stderr }).on('line', (line) => {
  if (/listening on/.test(line)) console.log('ready');
});
for (const child of [capture, events])
  child.once('exit', (code, signal) => {
    console.error(`${child.spawnargs.join(' ')} ended (${signal ?? code})`);
    process.exit(1);
  });
