// Measures cells on a lab that is up: one connection for each, all at the same time, with the balancer giving each its own
// timeout and the kernel telling what it made of the options.
import { setTimeout as sleep } from 'node:timers/promises';
import { renderRules } from '../../services/balancer/rules.ts';
import type { ListenerEvent, ListenerPort } from '../../services/broker/listener.ts';
import type { SwarmCommand, SwarmEvent } from '../../services/client/swarm.ts';
import type { SocketWish } from '../../services/socket-wish.ts';
import { LabError } from '../errors.ts';
import type { Lab, LabProcess } from '../lab/lab.ts';
import type { SocketOptions } from '../linux/libc.ts';
import type { Cell, Met, Side } from '../model/predict.ts';

const FIRST_PORT = 10_000;
const FIRST_SERVER_PORT = 30_000;
const START_SECONDS = 10;

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

/** Follows what a program tells, one JSON object a line. */
class Listening<E> {
  readonly seen: E[] = [];
  #wake: () => void = () => {};

  readonly onLine = (line: string): void => {
    this.seen.push(JSON.parse(line) as E);
    this.#wake();
  };

  /** Waits until so much is there, or the time is up. @returns whether it is there */
  async until(done: (seen: readonly E[]) => boolean, seconds: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(seconds * 1000, undefined, { signal: timer.signal }).then(
      () => false,
      () => false,
    );
    try {
      for (let over = false; !over; ) {
        if (done(this.seen)) return true;
        const next = new Promise<boolean>((resolve) => {
          this.#wake = () => resolve(true);
        });
        over = !(await Promise.race([next, late]));
      }
      return done(this.seen);
    } finally {
      timer.abort();
    }
  }
}

type Ended = Extract<SwarmEvent, { event: 'ended' }>;
type Opened = Extract<SwarmEvent, { event: 'open' }>;
type Ponged = Extract<SwarmEvent, { event: 'pong' }>;

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
  const served = new Listening<ListenerEvent>();
  const swarm = new Listening<SwarmEvent>();
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
        onLine: served.onLine,
      },
    );
  const client = lab.host(options.client).spawnModule('services/client/swarm', [], {
    as: `the swarm on ${options.client}`,
    input: 'pipe',
    onLine: swarm.onLine,
  });
  try {
    return await Promise.race([
      follow(lab, { placed, quiet, client, served, swarm }, options),
      server.died,
      client.died,
    ]);
  } finally {
    await Promise.all([client.stop('SIGKILL'), server.stop('SIGKILL')]);
  }
}

interface Under {
  placed: readonly Placed[];
  quiet: number;
  client: LabProcess;
  served: Listening<ListenerEvent>;
  swarm: Listening<SwarmEvent>;
}

async function follow(
  lab: Lab,
  { placed, quiet, client, served, swarm }: Under,
  options: MeasureOptions,
): Promise<Measured[]> {
  const must = async (what: string, done: Promise<boolean>) => {
    if (!(await done))
      throw new LabError('STEP_FAILED', `${what} took more than ${START_SECONDS} s`, 'measure fewer cells at once');
  };
  const tell = (command: SwarmCommand) => client.write(JSON.stringify(command));
  const ids = placed.map((_, id) => id);
  const count = (event: string) => (seen: readonly { event: string }[]) =>
    seen.filter((each) => each.event === event).length >= placed.length;
  const started = (seen: readonly { event: string }[]) => seen.some(({ event }) => event === 'ready');
  await must('starting both ends', served.until(started, START_SECONDS));
  await must('starting both ends', swarm.until(started, START_SECONDS));
  const box = lab.host(options.balancer);
  const host = box.serviceAddress ?? box.address;
  tell({ do: 'open', sockets: placed.map(({ cell, port }, id) => ({ id, host, port, ...wishOf(cell.client) })) });
  await must('opening the connections', swarm.until(count('open'), START_SECONDS));
  tell({ do: 'ping', ids });
  await must('the first answers', swarm.until(count('pong'), START_SECONDS));
  await sleep(quiet * 1000);
  const asked = lab.now();
  tell({ do: 'ping', ids });
  const fate = (id: number) => {
    const mine = swarm.seen.filter(
      (event): event is Ended | Ponged => event.event !== 'ready' && event.event !== 'open' && event.id === id,
    );
    const pongs = mine.filter(({ event }) => event === 'pong');
    const [first, second] = pongs;
    return { ended: mine.find((event): event is Ended => event.event === 'ended'), first, pong: second };
  };
  await swarm.until(() => ids.every((id) => fate(id).ended ?? fate(id).pong), options.patienceSeconds);
  return ids.map((id): Measured => {
    const { ended, first, pong } = fate(id);
    const opened = swarm.seen.find((event): event is Opened => event.event === 'open' && event.id === id) as Opened;
    const how = pong ? 'PONG' : ended?.how;
    const at = (pong ?? ended)?.time;
    const early = ended !== undefined && ended.time < asked;
    return {
      met: metOf(how),
      how,
      seconds: at === undefined || early ? undefined : at - asked,
      endedInQuiet: early && first ? ended.time - first.time : undefined,
      kernel: opened.kernel,
    };
  });
}
