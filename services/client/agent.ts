// The client agent: one process on a client host, told what to do by lines of JSON on standard input, reporting what
// happens by lines of JSON on standard output (pino). It decides nothing and judges nothing.
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { now } from '../../src/base/clock.ts';
import { every, later } from '../../src/base/timers.ts';
import type { AgentCommand } from '../../src/talk/agent.ts';
import { CLIENTS } from './catalogue.ts';
import type { Connection } from './library.ts';

const log = pino(
  { base: null, timestamp: () => `,"time":${now().toFixed(6)}` },
  pino.destination({ dest: 1, sync: true }),
);

const [name] = process.argv.slice(2) as [string];
const { default: description } = await CLIENTS.load(name);
const library = await description.load();
const connections: Connection[] = [];

/** The class that decides, and the library's own words for people. */
function facts(thrown: unknown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    failure: library.classify(error),
    // Some libraries number their errors.
    code: String((error as NodeJS.ErrnoException).code ?? error.name),
    message: error.message,
  };
}

/** Reports a command's beginning and end; never throws. */
async function timed(
  kind: 'request' | 'heartbeat',
  connection: number,
  id: string,
  work: () => Promise<void>,
): Promise<void> {
  const began = now();
  log.info({ event: kind, connection, id });
  try {
    await work();
    log.info({ event: 'reply', to: kind, connection, id, latency: Number((now() - began).toFixed(6)) });
  } catch (error) {
    log.info({
      event: 'failed',
      to: kind,
      connection,
      id,
      latency: Number((now() - began).toFixed(6)),
      ...facts(error),
    });
  }
}

/** Does something for every connection: at once, or one after another over a time. */
function forEach(count: number, spreadSeconds: number | undefined, work: (index: number) => void): void {
  for (let index = 0; index < count; index++)
    if (spreadSeconds === undefined) work(index);
    else later((index * spreadSeconds) / count, () => work(index));
}

const request = (index: number, id: string) =>
  void timed('request', index, id, () => (connections[index] as Connection).request(id));

function connectAll({
  connections: wanted,
  options,
  heartbeatSeconds,
  ids,
  spreadSeconds,
}: Extract<AgentCommand, { do: 'connect' }>): void {
  forEach(wanted, spreadSeconds, (index) => {
    let used = false;
    connections[index] = library.open(options, (event, { error, ...more } = {}) => {
      log.info({ event, connection: index, ...more, ...(error ? facts(error) : {}) });
      if (event !== 'ready' || used) return;
      used = true;
      if (ids) request(index, ids[index] as string);
    });
    if (heartbeatSeconds === undefined) return;
    let beat = 0;
    every(
      heartbeatSeconds,
      () =>
        void timed('heartbeat', index, `beat-${index}-${++beat}`, () => (connections[index] as Connection).heartbeat()),
    );
  });
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as AgentCommand;
    if (command.do === 'connect') connectAll(command);
    else if (command.do === 'request')
      forEach(command.ids.length, command.spreadSeconds, (index) => request(index, command.ids[index] as string));
    else for (const connection of connections) connection.close();
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));

log.info({
  event: 'agent',
  library: `${name} ${library.version}`,
  node: process.version,
});
