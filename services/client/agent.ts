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
function forEach(
  numbers: readonly number[],
  spreadSeconds: number | undefined,
  work: (connection: number, index: number) => void,
): void {
  for (const [index, connection] of numbers.entries())
    if (spreadSeconds === undefined) work(connection, index);
    else later((index * spreadSeconds) / numbers.length, () => work(connection, index));
}

const request = (connection: number, id: string, bytes?: number) =>
  void timed('request', connection, id, () =>
    (connections[connection] as Connection).request(id, bytes === undefined ? {} : { bytes }),
  );

/** A verb that the library offers; what it meets is told as an error of its connection. */
async function perform(connection: number, verb: string, params: Record<string, unknown>): Promise<void> {
  const opened = connections[connection];
  if (opened === undefined) return;
  try {
    if (verb === 'close') opened.close();
    else await opened.verbs?.[verb]?.(params);
  } catch (error) {
    log.info({ event: 'error', connection, ...facts(error) });
  }
}

function connectAll({
  connections: wanted,
  options,
  heartbeatSeconds,
  ids,
  spreadSeconds,
}: Extract<AgentCommand, { do: 'connect' }>): void {
  forEach(wanted, spreadSeconds, (connection, index) => {
    let used = false;
    connections[connection] = library.open(options, (event, { error, ...more } = {}) => {
      log.info({ event, connection, ...more, ...(error ? facts(error) : {}) });
      if (event !== 'ready' || used) return;
      used = true;
      if (ids) request(connection, ids[index] as string);
    });
    if (heartbeatSeconds === undefined) return;
    let beat = 0;
    every(
      heartbeatSeconds,
      () =>
        void timed('heartbeat', connection, `beat-${connection}-${++beat}`, () =>
          (connections[connection] as Connection).heartbeat(),
        ),
    );
  });
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as AgentCommand;
    if (command.do === 'connect') connectAll(command);
    else if (command.do === 'request')
      forEach(command.connections, command.spreadSeconds, (connection, index) =>
        request(connection, command.ids[index] as string, command.bytes),
      );
    else
      forEach(
        command.connections,
        command.spreadSeconds,
        (connection) => void perform(connection, command.verb, command.params),
      );
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));

log.info({
  event: 'agent',
  library: `${name} ${library.version}`,
  node: process.version,
});
