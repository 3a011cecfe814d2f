// The client agent: one process on a client host, told what to do by lines of JSON on standard input, reporting what
// happens by lines of JSON on standard output (pino). It decides nothing and judges nothing.
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { now } from '../../src/base/clock.ts';
import { every, later } from '../../src/base/timers.ts';
import type { AgentCommand } from '../../src/talk/agent.ts';
import { CLIENTS } from './catalogue.ts';
import type { Connection } from './library.ts';

/** What happens in one turn of the event loop is told at its end, all at once: thousands of connections may open in one. */
const output = pino.destination({ dest: 1, sync: true, minLength: 8 * 1024 });
const logger = pino({ base: null, timestamp: () => `,"time":${now().toFixed(6)}` }, output);
let isTold = true;
const log = {
  info(event: object): void {
    logger.info(event);
    if (!isTold) return;
    isTold = false;
    setImmediate(() => {
      isTold = true;
      output.flushSync();
    });
  },
};
process.on('exit', () => output.flushSync());

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

/** Does something for every connection: at once, or one after another over a time. @returns once it has been begun on the last */
function forEach(
  numbers: readonly number[],
  spreadSeconds: number | undefined,
  work: (connection: number, index: number) => void,
): Promise<void> {
  if (spreadSeconds === undefined) {
    numbers.forEach(work);
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    for (const [index, connection] of numbers.entries())
      later((index * spreadSeconds) / numbers.length, () => {
        work(connection, index);
        if (index === numbers.length - 1) resolve();
      });
  });
}

const request = (connection: number, id: string, bytes?: number) =>
  void timed('request', connection, id, () =>
    (connections[connection] as Connection).request(id, bytes === undefined ? {} : { bytes }),
  );

/** A verb that the library offers, on some connections; tells once it is done on all, and what stood against it. */
async function perform(command: Extract<AgentCommand, { do: 'perform' }>): Promise<void> {
  const { verb, params, token } = command;
  const doing: (void | Promise<void>)[] = [];
  let problem: string | undefined;
  const stands = (connection: number, error: unknown) => {
    problem ??= `connection ${connection}: ${error instanceof Error ? error.message : String(error)}`;
  };
  await forEach(command.connections, command.spreadSeconds, (connection) => {
    try {
      const opened = connections[connection];
      if (opened === undefined) throw new Error('it has not been opened');
      const done = verb === 'close' ? opened.close() : opened.verbs?.[verb]?.(params);
      doing.push(done instanceof Promise ? done.catch((error) => stands(connection, error)) : done);
    } catch (error) {
      stands(connection, error);
    }
  });
  await Promise.all(doing);
  log.info({ event: 'performed', verb, token, ...(problem === undefined ? {} : { problem }) });
}

function connectAll({
  connections: wanted,
  options,
  heartbeatSeconds,
  ids,
  spreadSeconds,
}: Extract<AgentCommand, { do: 'connect' }>): void {
  void forEach(wanted, spreadSeconds, (connection, index) => {
    let used = false;
    connections[connection] = library.open(options, (event, { error, ...more } = {}) => {
      log.info({ event, connection, ...more, ...(error ? facts(error) : {}) });
      // One that cannot be opened meets that by its first request.
      if ((event !== 'ready' && event !== 'end') || used) return;
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
      void forEach(command.connections, command.spreadSeconds, (connection, index) =>
        request(connection, command.ids[index] as string, command.bytes),
      );
    else void perform(command);
  })
  // Whoever gave the orders is gone: so are we.
  .on('close', () => process.exit(0));

log.info({
  event: 'agent',
  library: `${name} ${library.version}`,
  node: process.version,
});
