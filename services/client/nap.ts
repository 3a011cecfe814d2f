// Shows by hand what a balancer does to an idle connection: connects to a Redis, sends PING, sleeps, sends PING again, and
// tells what it meets. For the shell of docker-compose.yml's client.
//
// usage: nap <host>[:<port>] <seconds> [--keepalive <seconds>] [--heartbeat <seconds>]
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { sleep } from '../../src/base/timers.ts';
import { ownSocketOptions } from '../../src/linux/libc.ts';
import { endText } from '../../src/wire/endpoint.ts';

const REDIS_PORT = 6379;
/** So long a command waits for its answer. */
const ANSWER_SECONDS = 5;
const KEEPALIVE = { intervalMs: 1000, probes: 3 } as const;

const { values, positionals } = parseArgs({
  options: { keepalive: { type: 'string' }, heartbeat: { type: 'string' } },
  allowPositionals: true,
});
const [target, quiet] = positionals;
const seconds = Number(quiet);
const [keepalive, heartbeat] = [values.keepalive, values.heartbeat].map((text) => text && Number(text));
if (!target || [seconds, keepalive ?? 1, heartbeat ?? 1].some((number) => !(Number(number) > 0))) {
  console.error('usage: nap <host>[:<port>] <seconds> [--keepalive <seconds>] [--heartbeat <seconds>]');
  process.exit(4);
}
const [host, port = REDIS_PORT] = target.split(':') as [string, string?];

const say = (word: string, text: string) => console.log(`${word.padEnd(11)}${text}`);
const since = (began: number) => {
  const ms = performance.now() - began;
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
};

/** What ended the connection, if anything has. */
let ended: string | undefined;
let noticed: () => void = () => {};
const end = new Promise<void>((resolve) => {
  noticed = resolve;
});
let heard: (text: string) => void = () => {};

function watch(socket: Socket): void {
  const finish = (how: string) => {
    ended ??= how;
    noticed();
  };
  socket.setEncoding('utf8').on('data', (text: string) => heard(text));
  socket.on('error', (error: NodeJS.ErrnoException) =>
    finish(error.code === 'ECONNRESET' ? 'reset by peer (RST)' : `${error.code}`),
  );
  socket.on('end', () => finish('closed by the other side (FIN)'));
}

/** @returns the answer, or what was met instead of it */
async function ping(socket: Socket): Promise<{ ok: boolean; text: string }> {
  const began = performance.now();
  const answer = new Promise<string>((resolve) => {
    heard = resolve;
  });
  socket.write('PING\r\n');
  const met = await Promise.race([
    answer.then((text) => ({ ok: true, text: text.trim().replace(/^\+/, '') })),
    end.then(() => ({ ok: false, text: ended ?? '' })),
    sleep(ANSWER_SECONDS).then(() => ({ ok: false, text: 'no answer: the packets vanish, and nobody says so' })),
  ]);
  return { ok: met.ok, text: `${met.text}, after ${since(began)}` };
}

const socket = connect({
  host,
  port: Number(port),
  ...(keepalive
    ? {
        keepAlive: true,
        keepAliveInitialDelay: keepalive * 1000,
        keepAliveInterval: KEEPALIVE.intervalMs,
        keepAliveCount: KEEPALIVE.probes,
      }
    : {}),
});
watch(socket);
await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), end]);
if (ended !== undefined) {
  say('connect', `${target}: ${ended}`);
  process.exit(1);
}
if (keepalive) socket.setKeepAlive(true, keepalive * 1000, KEEPALIVE.intervalMs, KEEPALIVE.probes);
say(
  'connected',
  `${endText(socket.localAddress ?? '', socket.localPort ?? 0)} > ${target} (${endText(socket.remoteAddress ?? '', socket.remotePort ?? 0)})`,
);
const kernel = ownSocketOptions((socket as unknown as { _handle: { fd: number } })._handle.fd);
say(
  'keepalive',
  kernel.keepalive
    ? `first probe after ${kernel.idleSeconds} s, then every ${kernel.intervalSeconds} s, ${kernel.probes} times (getsockopt)`
    : 'off (getsockopt)',
);
say('PING', (await ping(socket)).text);

const asleep = performance.now();
say('quiet', `for ${seconds} s${heartbeat ? `, but for a PING every ${heartbeat} s` : ''}`);
const until = asleep + seconds * 1000;
while (performance.now() < until && ended === undefined) {
  const left = (until - performance.now()) / 1000;
  const nap = Math.min(heartbeat ? heartbeat : Number.POSITIVE_INFINITY, left);
  await Promise.race([sleep(nap), end]);
  if (heartbeat && performance.now() < until && ended === undefined) {
    const { ok, text } = await ping(socket);
    if (!ok) say('heartbeat', text);
  }
}
if (ended !== undefined) {
  say('over', `${ended}, after ${since(asleep)} of quiet`);
  process.exit(1);
}
const { ok, text } = await ping(socket);
say('PING', text);
process.exit(ok ? 0 : 1);
