import { connect } from 'node:net';
import {
  AbstractStartedContainer,
  type ContainerRuntimeClient,
  GenericContainer,
  getReaper,
  LABEL_TESTCONTAINERS_SESSION_ID,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import type { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import { LabError } from '../base/errors.ts';
import { containerEngine } from '../engines/docker/client.ts';
import { INSIDE } from '../engines/docker/control.ts';
import { labImage, labImageName } from '../engines/docker/image.ts';
import { LATE, type Mode } from '../linux/late-packet.ts';
import { MIDDLEBOXES } from '../plan/catalogue.ts';
import { readYaml } from '../plan/read.ts';
import { middleboxSchema } from '../plan/schema.ts';
import { flowsAnswerSchema, type Service, socketsAnswerSchema } from '../talk/forgetful.ts';
import type { Program } from '../talk/programs.ts';
import { destinationText, endText, keyBetween, sourceText } from '../wire/endpoint.ts';
import type { SocketRow } from '../wire/sockets.ts';

/** What the first packet of a flow meets once the balancer has forgotten it. */
export type LatePacket = 'drop' | 'reset-sender' | 'rebalance';

/** A server behind the balancer: "host:port", by a name or address on the network, or a started container and its port. */
export type Upstream = string | { container: StartedTestContainer; port: number };

export interface BalancerOptions {
  upstreams: readonly [Upstream, ...Upstream[]];
  /** "350s", "5min", or seconds. Connection tracking counts whole seconds, from 1. */
  idleTimeout: string | number;
  /** `drop` unless said otherwise. */
  latePacket?: LatePacket;
  /** Whether the balancer says something when it forgets: `reset-both` sends RST to both ends. `forgets` unless said otherwise. */
  atExpiry?: 'forgets' | 'reset-both';
  /** The port it listens on; the first upstream's unless said otherwise. */
  port?: number;
  /**
   * Who connects to it: this very process, by the container's own address (the default; `start` fails where that leads
   * nowhere), or only containers of the same network.
   */
  reachedFrom?: 'here' | 'containers';
}

/** A connection that the balancer remembers. */
export interface BalancedFlow {
  /** "address:port" */
  client: string;
  /** "address:port" of the server that it leads to. */
  upstream: string;
  /** "address:port" by which that server knows the client. */
  seenAs: string;
  /** In connection tracking's words: ESTABLISHED, TIME_WAIT, … */
  state: string;
  /** Seconds of idleness after which it will be forgotten. */
  expiresInSeconds: number;
}

/** An ESTABLISHED socket of an upstream that came through the balancer, and to which none of its flows leads any more. */
export interface Zombie {
  /** "address:port" of the server. */
  local: string;
  /** "address:port" of the client, as the server knows it. */
  peer: string;
}

const FORGETFUL = ['node', `${INSIDE.code}/${'services/balancer/forgetful' satisfies Program}.js`];
/** So long a packet to a container of this machine takes at most. */
const REACH_MS = 3000;
const CLOSED_PORT = 1;
const ASK_TRIES = 3;

function secondsOf(idleTimeout: string | number): number {
  const seconds = typeof idleTimeout === 'number' ? idleTimeout : parseDuration(idleTimeout);
  if (seconds === undefined || !Number.isInteger(seconds) || seconds < 1)
    throw new LabError(
      'BAD_OPTION',
      `idleTimeout ${JSON.stringify(idleTimeout)} is no whole number of seconds`,
      'as in "5s", "350s", 5: connection tracking counts whole seconds, from 1',
    );
  return seconds;
}

function upstreamText(upstream: Upstream, network: StartedNetwork): { text: string; port: number } {
  if (typeof upstream === 'string') {
    const port = Number(/^[^:\s]+:(\d+)$/.exec(upstream)?.[1]);
    if (!port) throw new LabError('BAD_OPTION', `upstream "${upstream}"`, 'write host:port, as in "redis:6379"');
    return { text: upstream, port };
  }
  const address = upstream.container.getIpAddress(network.getName());
  return { text: endText(address, upstream.port), port: upstream.port };
}

/** Whether packets from here get to an address: nobody listens on that port, so its kernel answers with a reset. */
function reaches(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: CLOSED_PORT, timeout: REACH_MS });
    const end = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}

/**
 * A balancer between a test and its servers that forgets connections by idleness, each for itself, on the level of packets:
 * the kernel's own connection tracking in a container. Whatever the application does to stay remembered (TCP keepalive, a
 * heartbeat) goes through to the server.
 */
export class IdleTimeoutBalancer extends GenericContainer {
  readonly #network: StartedNetwork;
  readonly #service: Service;
  readonly #reachedFrom: 'here' | 'containers';

  constructor(network: StartedNetwork, options: BalancerOptions) {
    super(labImageName());
    const { upstreams, idleTimeout, latePacket = 'drop', atExpiry = 'forgets', reachedFrom = 'here' } = options;
    const idleTimeoutSeconds = secondsOf(idleTimeout);
    const resolved = upstreams.map((upstream) => upstreamText(upstream, network));
    const mode: Mode = atExpiry === 'reset-both' ? 'reset-both' : latePacket;
    this.#network = network;
    this.#reachedFrom = reachedFrom;
    this.#service = {
      port: options.port ?? (resolved[0] as { port: number }).port,
      upstreams: resolved.map(({ text }) => text),
      idleTimeoutSeconds,
      mode,
    };
    this.withNetwork(network)
      .withEnvironment({ FORGETFUL: JSON.stringify([this.#service]) })
      .withCommand(FORGETFUL)
      .withDroppedCapabilities('ALL')
      // For its rules and its table of flows; to see sequence numbers and send RST at the expiry.
      .withAddedCapabilities('NET_ADMIN', ...(mode === 'reset-both' ? ['NET_RAW'] : []))
      .withWaitStrategy(Wait.forLogMessage(/^ready$/m));
    // What testcontainers has no method for.
    this.hostConfig.Sysctls = {
      'net.ipv4.ip_forward': '1',
      'net.netfilter.nf_conntrack_tcp_loose': String(LATE[mode].loose),
    };
  }

  /**
   * The options by which it behaves like a product of the catalogue (lab/middleboxes).
   * @param scale of the product's idle timeout: 1/70 makes 5 s of 350 s
   * @throws LabError BAD_OPTION where there is no such product, or it is no L4 balancer
   */
  static like(
    profile: string,
    { scale = 1 }: { scale?: number } = {},
  ): Required<Pick<BalancerOptions, 'idleTimeout' | 'latePacket' | 'atExpiry'>> {
    const names = MIDDLEBOXES.names();
    if (!names.includes(profile))
      throw new LabError('BAD_OPTION', `there is no middlebox "${profile}"`, `one of ${names.join(', ')}`);
    const { layer, idleTimeout, latePacket, atExpiry, product } = readYaml(
      MIDDLEBOXES.path(profile),
      middleboxSchema,
    ).value;
    const resets = atExpiry === 'reset-both';
    if (layer !== 'L4' || (!resets && !['drop', 'reset-sender', 'rebalance'].includes(latePacket)))
      throw new LabError(
        'BAD_OPTION',
        layer === 'L7'
          ? `${product} does not forget by packets: it is a proxy`
          : `what a late packet meets at ${profile} is ${latePacket}`,
        layer === 'L7'
          ? 'put the product itself, or a proxy with its time-outs, between the test and the server'
          : `nobody documents it: say idleTimeout ${idleTimeout.default} and the latePacket that you expect yourself`,
      );
    return {
      idleTimeout: Math.max(1, Math.round((parseDuration(idleTimeout.default) as number) * scale)),
      latePacket: resets ? 'drop' : (latePacket as LatePacket),
      atExpiry: resets ? 'reset-both' : 'forgets',
    };
  }

  /** @throws LabError NO_DOCKER, BUILD_FAILED, UNREACHABLE */
  override async start(): Promise<StartedIdleTimeoutBalancer> {
    const client = await containerEngine();
    await labImage(client);
    const started = await super.start();
    const host = started.getIpAddress(this.#network.getName());
    if (this.#reachedFrom === 'here' && !(await reaches(host))) {
      const { operatingSystem } = client.info.containerRuntime;
      await started.stop();
      throw new LabError(
        'UNREACHABLE',
        `packets from here do not get to ${host}, the balancer's own address (${operatingSystem})`,
        'run the test in a container of the same network, or on a Linux machine with its own container engine, and say reachedFrom: "containers". A published port would not do: the engine’s proxy stands there, answers keepalive itself, and nothing true can be measured through it',
      );
    }
    return new StartedIdleTimeoutBalancer(started, client, this.#network, this.#service, host);
  }
}

/** A balancer that runs. `await using` stops it. */
export class StartedIdleTimeoutBalancer extends AbstractStartedContainer {
  /** The address to connect to: the container's own, by which packets really reach it. */
  readonly host: string;
  readonly port: number;
  readonly #client: ContainerRuntimeClient;
  readonly #network: StartedNetwork;

  constructor(
    started: StartedTestContainer,
    client: ContainerRuntimeClient,
    network: StartedNetwork,
    service: Service,
    host: string,
  ) {
    super(started);
    this.#client = client;
    this.#network = network;
    this.host = host;
    this.port = service.port;
  }

  /** The engine may cut the end of what a command prints: whoever asks for something asks again then. */
  async #tell(...command: string[]): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const { stdout, exitCode, stderr } = await this.exec([...FORGETFUL, ...command]);
      if (exitCode !== 0)
        throw new LabError('ENGINE_DIED', `the balancer failed: ${stderr || stdout}`, 'see the container’s log');
      if (command[0] !== 'flows' || stdout.endsWith('}\n')) return stdout;
      if (attempt === ASK_TRIES)
        throw new LabError('ENGINE_DIED', 'the container engine cuts off what the balancer says', 'update it');
    }
  }

  /** Forgets all connections at once, as if each had been idle for too long. @returns how many there were */
  async forgetNow(): Promise<number> {
    return Number(await this.#tell('forget'));
  }

  /** Another idle timeout, for connections that are opened from now on; those that are open keep theirs. */
  async setIdleTimeout(idleTimeout: string | number): Promise<void> {
    await this.#tell('patience', String(secondsOf(idleTimeout)));
  }

  /** The connections that it remembers. */
  async flows(): Promise<BalancedFlow[]> {
    return (await this.#flows()).flows;
  }

  async #flows(): Promise<{ flows: BalancedFlow[]; everSeen: string[] }> {
    const { flows, everSeen } = answerIn(await this.#tell('flows'), flowsAnswerSchema);
    return {
      everSeen,
      flows: flows.map(({ original, reply, state, expiresIn }) => ({
        client: sourceText(original),
        upstream: sourceText(reply),
        seenAs: destinationText(reply),
        state: state ?? 'unknown',
        expiresInSeconds: expiresIn ?? 0,
      })),
    };
  }

  /**
   * The sockets that the upstreams still believe in, and to which nothing leads any more: found in the upstreams' own socket
   * tables, those of all containers of the network.
   */
  async zombies(): Promise<Zombie[]> {
    const { dockerode } = this.#client.container;
    const { Containers } = (await dockerode.getNetwork(this.#network.getId()).inspect()) as {
      Containers: Record<string, unknown>;
    };
    const others = Object.keys(Containers).filter((id) => id !== this.getId());
    const tables = await Promise.all(others.map((id) => this.#socketsOf(id)));
    // After the sockets: a connection that has just been opened has a flow by now.
    const { flows, everSeen } = await this.#flows();
    const known = new Set(flows.map(({ upstream, seenAs }) => keyBetween(upstream, seenAs)));
    // Another balancer may have had this address before.
    const mine = new Set(everSeen);
    return tables
      .flat()
      .filter(({ state }) => state === 'ESTABLISHED')
      .filter(({ local, peer }) => mine.has(keyBetween(local, peer)) && !known.has(keyBetween(local, peer)))
      .map(({ local, peer }) => ({ local, peer }));
  }

  /** The TCP sockets of another container, by a container of ours in its network namespace for as long as a look takes. */
  async #socketsOf(id: string): Promise<SocketRow[]> {
    const { container } = this.#client;
    const { sessionId } = await getReaper(this.#client);
    const look = await container.create({
      Image: labImageName(),
      Cmd: [...FORGETFUL, 'sockets'],
      Labels: { [LABEL_TESTCONTAINERS_SESSION_ID]: sessionId },
      HostConfig: { NetworkMode: `container:${id}`, CapDrop: ['ALL'] },
    });
    try {
      await container.start(look);
      await look.wait();
      const log = await look.logs({ stdout: true, stderr: false, follow: false });
      return answerIn(textOfLog(log), socketsAnswerSchema);
    } finally {
      await container.remove(look, { removeVolumes: true });
    }
  }
}

/** What the balancer's program has printed. @throws LabError ENGINE_DIED where that is of another form */
function answerIn<T>(text: string, schema: z.ZodType<T>): T {
  const answer = schema.safeParse(jsonIn(text));
  if (answer.success) return answer.data;
  throw new LabError(
    'ENGINE_DIED',
    `the balancer answers in a form of its own: ${text.slice(0, 200)}`,
    'its image is of another idlelab: remove it, and the next start builds it anew',
    answer.error,
  );
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Standard output out of the frames of a container's log (8 bytes of header, the last four of them the length). */
function textOfLog(log: Buffer): string {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset + 8 <= log.length; ) {
    const length = log.readUInt32BE(offset + 4);
    pieces.push(log.subarray(offset + 8, offset + 8 + length));
    offset += 8 + length;
  }
  return Buffer.concat(pieces).toString('utf8');
}
