// Measures cells on a lab that is up: one connection for each, all at the same time, with the balancer giving each its own
// timeout and the kernel telling what it made of the options.
import { setTimeout as sleep } from 'node:timers/promises';
import { renderRules } from '../../services/balancer/rules.ts';
import type { ListenerPort } from '../../services/broker/listener.ts';
import type { SwarmCommand, SwarmEvent } from '../../services/client/swarm.ts';
import type { SocketWish } from '../../services/socket-wish.ts';
import { LabError } from '../errors.ts';
import type { Lab, LabProcess } from '../lab/lab.ts';
import type { SocketOptions } from '../linux/libc.ts';
import type { Cell, Met, Side } from '../model/predict.ts';
import { within } from '../within.ts';

const FIRST_PORT = 10_000;
const FIRST_SERVER_PORT = 30_000;
const START_SECONDS = 10;
const READY = /"event":"ready"/;

/** What was seen of a cell. */
export interface Measured {
  /** What the first request after the quiet met. */
  met: Met | 'other';
  /** In the kernel's words: an error's code, "FIN", "PONG", or undefined where nothing came in time. */
  how: string | undefined;
  /** Seconds from the request to that. */
  seconds: number | undefined;
  /** When the connection ended before the request, seconds after the first answer: nothing came after that. */
  endedInQuiet: number | undefined;
  /** What getsockopt(2) says of the client's socket. */
  kernel: SocketOptions;
}

export interface MeasureOptions {
  client: string;
  balancer: string;
  server: string;
  /** How long an answer is waited for. */
  patienceSeconds: number;
}

const wishOf = ({ keepalive }: Side): SocketWish =>
  keepalive === 'off'
    ? {}
    : {
        keepalive: {
          idleSeconds: keepalive.idleSeconds,
          intervalSeconds: keepalive.intervalSeconds,
          probes: keepalive.probes,
        },
        ...(keepalive.userTimeoutSeconds === undefined ? {} : { userTimeoutSeconds: keepalive.userTimeoutSeconds }),
      };

/** A number for each different thing, in the order in which they come. */
class Numbers {
  readonly #first: number;
  readonly #known = new Map<string, number>();

  constructor(first: number) {
    this.#first = first;
  }

  of(thing: unknown): number {
    const key = JSON.stringify(thing);
    const known = this.#known.get(key) ?? this.#first + this.#known.size;
    this.#known.set(key, known);
    return known;
  }
}

interface Placed {
  cell: Cell;
  /** Where its client connects, and where its server listens. */
  port: number;
  serverPort: number;
}

/** Cells alike in their timeout, late packet and server's options share a port. @throws LabError BAD_OPTION */
function place(cells: readonly Cell[]): Placed[] {
  const ports = new Numbers(FIRST_PORT);
  const serverPorts = new Numbers(FIRST_SERVER_PORT);
  return cells.map((cell) => {
    const { layer, atExpiry, latePacket, timeoutSeconds } = cell.middlebox;
    if (layer !== 'L4' || atExpiry !== 'forgets' || (latePacket !== 'drop' && latePacket !== 'reset-sender'))
      throw new LabError(
        'BAD_OPTION',
        `a middlebox that ${atExpiry} at the expiry and meets late packets with ${latePacket} cannot be measured in a sweep`,
        'play a scenario with it',
      );
    const serverPort = serverPorts.of([cell.server, latePacket]);
    return { cell, serverPort, port: ports.of([timeoutSeconds, latePacket, serverPort]) };
  });
}

/** Sets the balancer up: a rule set for each port. */
async function setRules(lab: Lab, placed: readonly Placed[], { balancer, server }: MeasureOptions): Promise<void> {
  const host = lab.host(balancer);
  const byPort = new Map(placed.map((each) => [each.port, each]));
  const rules = [...byPort.values()].map(({ cell, port, serverPort }) =>
    renderRules({
      table: `balancer-${port}`,
      address: host.serviceAddress ?? host.address,
      port,
      brokers: [{ name: 'server', address: lab.host(server).address, port: serverPort }],
      connections: placed.length,
      idleTimeoutSeconds: cell.middlebox.timeoutSeconds,
      mode: cell.middlebox.latePacket as 'drop' | 'reset-sender',
      ownAddress: !host.passesForeignAddresses,
    }),
  );
  await host.run('nft', ['-f', '-'], rules.join('\n'));
  // A packet in the middle of a connection that it does not know is no new connection.
  await host.setSysctl('net.netfilter.nf_conntrack_tcp_loose', 0);
}

/** What became of each connection, kept as it is told: there may be thousands. */
class Fates {
  readonly opened = new Map<number, SocketOptions>();
  /** Times of the first and of the second answer. */
  readonly first = new Map<number, number>();
  readonly second = new Map<number, number>();
  readonly ended = new Map<number, { time: number; how: string }>();
  /** Connections of which the second request's outcome is known. */
  readonly settled = new Set<number>();

  #wake: () => void = () => {};

  readonly onLine = (line: string): void => {
    this.#add(JSON.parse(line) as SwarmEvent);
    this.#wake();
  };

  /** Waits until so much is known. */
  async until(done: () => boolean): Promise<void> {
    while (!done())
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  #add(event: SwarmEvent): void {
    if (event.event === 'ready') return;
    const { id, time } = event;
    if (event.event === 'open') this.opened.set(id, event.kernel);
    else if (event.event === 'ended') this.ended.set(id, { time, how: event.how });
    else if (this.first.has(id)) this.second.set(id, time);
    else this.first.set(id, time);
    if (event.event === 'ended' || this.second.has(id)) this.settled.add(id);
  }
}

function metOf(how: string | undefined): Met | 'other' {
  if (how === 'PONG') return 'ok';
  if (how === undefined || how === 'ETIMEDOUT') return 'timeout';
  return how === 'ECONNRESET' || how === 'EPIPE' ? 'reset' : 'other';
}

/**
 * Measures cells, which must have the same quiet.
 * @throws LabError BAD_OPTION, STEP_FAILED, SERVICE_DIED
 */
export async function measureCells(lab: Lab, cells: readonly Cell[], options: MeasureOptions): Promise<Measured[]> {
  const [quiet, ...others] = new Set(cells.map(({ quietSeconds }) => quietSeconds));
  if (quiet === undefined || others.length > 0)
    throw new LabError('BAD_OPTION', 'the cells of one measurement have the same quiet', 'measure them apart');
  const placed = place(cells);
  await setRules(lab, placed, options);
  const fates = new Fates();
  const over = new AbortController();
  const listening = new Map(
    placed.map(({ cell, serverPort }): [number, ListenerPort] => [
      serverPort,
      { port: serverPort, ...wishOf(cell.server) },
    ]),
  );
  const server = lab
    .host(options.server)
    .spawnModule(
      'services/broker/listener',
      [lab.host(options.server).address, JSON.stringify([...listening.values()])],
      {
        as: `the listener on ${options.server}`,
        input: 'pipe',
      },
    );
  const client = lab.host(options.client).spawnModule('services/client/swarm', [], {
    as: `the swarm on ${options.client}`,
    input: 'pipe',
    onLine: fates.onLine,
  });
  try {
    return await Promise.race([
      follow(lab, { placed, quiet, client, server, fates, signal: over.signal }, options),
      server.died,
      client.died,
    ]);
  } finally {
    over.abort();
    await Promise.all([client.stop('SIGKILL'), server.stop('SIGKILL')]);
  }
}

interface Under {
  placed: readonly Placed[];
  quiet: number;
  client: LabProcess;
  server: LabProcess;
  fates: Fates;
  signal: AbortSignal;
}

async function follow(
  lab: Lab,
  { placed, quiet, client, server, fates, signal }: Under,
  options: MeasureOptions,
): Promise<Measured[]> {
  const all = placed.length;
  const must = (what: string, done: () => boolean) =>
    within(
      START_SECONDS,
      fates.until(done),
      () => new LabError('STEP_FAILED', `${what} took more than ${START_SECONDS} s`, 'measure fewer cells at once'),
    );
  const tell = (command: SwarmCommand) => client.write(JSON.stringify(command));
  const ids = placed.map((_, id) => id);
  await Promise.all([server.line(READY), client.line(READY)]);
  const box = lab.host(options.balancer);
  const host = box.serviceAddress ?? box.address;
  tell({ do: 'open', sockets: placed.map(({ cell, port }, id) => ({ id, host, port, ...wishOf(cell.client) })) });
  await must('opening the connections', () => fates.opened.size === all);
  tell({ do: 'ping', ids });
  await must('the first answers', () => fates.first.size === all);
  await sleep(quiet * 1000, undefined, { signal });
  const asked = lab.now();
  tell({ do: 'ping', ids });
  // Who says nothing by then has met a time-out.
  await Promise.race([
    fates.until(() => fates.settled.size === all),
    sleep(options.patienceSeconds * 1000, undefined, { signal }),
  ]);
  return ids.map((id): Measured => {
    const answered = fates.second.get(id);
    const ended = fates.ended.get(id);
    const how = answered === undefined ? ended?.how : 'PONG';
    const at = answered ?? ended?.time;
    const early = ended !== undefined && ended.time < asked;
    return {
      met: metOf(how),
      how,
      seconds: at === undefined || early ? undefined : at - asked,
      endedInQuiet: early ? ended.time - (fates.first.get(id) as number) : undefined,
      kernel: fates.opened.get(id) as SocketOptions,
    };
  });
}
