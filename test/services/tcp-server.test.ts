// The raw TCP server as a process of its own, spoken to as the lab does.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { lineOf } from '../../src/talk/lines.ts';
import { type Listen, type TcpServerEvent, tcpServerEventSchema } from '../../src/talk/tcp-server.ts';

const running: { kill(): void }[] = [];
afterEach(() => {
  for (const each of running.splice(0)) each.kill();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function started(tuning: Omit<Listen, 'addresses' | 'port'> = {}) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(packageRoot, 'services/server/tcp.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.push(child);
  const events: TcpServerEvent[] = [];
  const waiting: (() => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = lineOf(line, tcpServerEventSchema);
    if (event === undefined) throw new Error(`the server says what nobody understands: ${line}`);
    events.push(event);
    for (const wake of waiting.splice(0)) wake();
  });
  const until = async (wanted: (event: TcpServerEvent) => boolean): Promise<TcpServerEvent> => {
    for (;;) {
      const found = events.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const tell = (command: object) => child.stdin.write(`${JSON.stringify(command)}\n`);
  tell({ do: 'listen', addresses: ['127.0.0.1'], port, ...tuning });
  await until(({ event }) => event === 'listening');
  return { port, events, until, tell };
}

/** A client that notes all that comes. */
function client(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  running.push({ kill: () => socket.destroy() });
  let text = '';
  const waiting: (() => void)[] = [];
  socket.on('data', (chunk) => {
    text += chunk;
    for (const wake of waiting.splice(0)) wake();
  });
  socket.on('error', () => {});
  return {
    socket,
    async heard(wanted: string): Promise<string> {
      while (!text.includes(wanted)) await new Promise<void>((resolve) => waiting.push(resolve));
      return text;
    },
    ended: new Promise<void>((resolve) => socket.once('end', resolve)),
  };
}

describe('the tcp server', () => {
  it('answers each whole request once, in whatever pieces it comes, and tells of it before it is asked for its ledger', async () => {
    const { port, events, until, tell } = await started();
    const { socket, heard } = client(port);
    socket.write('? a-web-1-0    \n? a-web-');
    await heard('! a-web-1-0\n');
    socket.write('2-0\n');
    expect(await heard('2-0\n')).toBe('! a-web-1-0\n! a-web-2-0\n');
    tell({ do: 'tell', token: 7 });
    await until((event) => event.event === 'told' && event.token === 7);
    expect(events.flatMap((event) => (event.event === 'applied' ? event.id : []))).toEqual(['a-web-1-0', 'a-web-2-0']);
  });

  it('speaks to one client alone, which it knows by its requests', async () => {
    const { port, until, tell } = await started();
    const [web, batch] = [client(port), client(port)];
    web.socket.write('? a-web-1-0\n');
    batch.socket.write('? a-web-2-1-0\n');
    await Promise.all([web.heard('!'), batch.heard('!')]);
    const of = { addresses: [], ids: '^a-web-\\d+-\\d+$' };
    tell({ do: 'perform', token: 1, verb: 'push', params: { bytes: 3 }, of });
    expect(await until(({ event }) => event === 'performed')).toMatchObject({ connections: 1 });
    expect(await web.heard('..\n')).toBe('! a-web-1-0\n..\n');
  });

  it('says that it has no such connection where there is none', async () => {
    const { until, tell } = await started();
    tell({ do: 'perform', token: 1, verb: 'abort', params: {} });
    expect(await until(({ event }) => event === 'performed')).toMatchObject({ problem: 'it has no such connection' });
  });

  it('keeps a connection whose other side has closed, until it is told to close it', async () => {
    const { port, events, until, tell } = await started();
    const { socket, heard } = client(port);
    await until(({ event }) => event === 'accepted');
    socket.end();
    await until(({ event }) => event === 'peer-closed');
    tell({ do: 'perform', token: 1, verb: 'push', params: { bytes: 4 } });
    await heard('...\n');
    expect(events.some(({ event }) => event === 'ended')).toBe(false);
    tell({ do: 'perform', token: 2, verb: 'close', params: {} });
    await until(({ event }) => event === 'ended');
  });

  it('has the heartbeat and the time-out of its tuning', async () => {
    const { port, until } = await started({ heartbeatSeconds: 0.05, socketTimeoutSeconds: 0.3 });
    const { heard, ended, socket } = client(port);
    await heard('PING\n');
    await ended;
    socket.end();
    expect(await until(({ event }) => event === 'ended')).not.toHaveProperty('failure');
  });
});
