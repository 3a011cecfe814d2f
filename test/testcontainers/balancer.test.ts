import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { labImageName } from '../../src/engines/docker/image.ts';
import {
  type BalancerOptions,
  IdleTimeoutBalancer,
  labNetwork,
  type StartedIdleTimeoutBalancer,
} from '../../src/testcontainers/index.ts';
import { containersThere } from '../helpers/docker.ts';

const PORT = 6379;

describe('its options', () => {
  const network = { getName: () => 'n' } as StartedNetwork;
  const options = (more: Partial<BalancerOptions>): BalancerOptions => ({
    upstreams: ['redis:6379'],
    idleTimeout: 5,
    ...more,
  });

  it.each([
    ['fractions of a second', { idleTimeout: '500ms' }, /idleTimeout "500ms" is no whole number of seconds/],
    ['an upstream without port', { upstreams: ['redis'] as [string] }, /upstream "redis"/],
  ])('%s are refused', (_, more, message) => {
    expect(() => new IdleTimeoutBalancer(network, options(more))).toThrow(message);
  });

  it('can be those of a product, on another scale', () => {
    expect(IdleTimeoutBalancer.like('aws-nlb', { scale: 1 / 70 })).toEqual({
      idleTimeout: 5,
      latePacket: 'reset-sender',
      atExpiry: 'forgets',
    });
    expect(IdleTimeoutBalancer.like('azure-lb-reset', { scale: 1 / 60 })).toEqual({
      idleTimeout: 4,
      latePacket: 'drop',
      atExpiry: 'reset-both',
    });
  });

  it('cannot be those of a proxy, of what nobody documents, or of something that is not known', () => {
    expect(() => IdleTimeoutBalancer.like('azure-lb')).toThrow(/what a late packet meets at azure-lb is unknown/);
    expect(() => IdleTimeoutBalancer.like('haproxy')).toThrow(/does not forget by packets: it is a proxy/);
    expect(() => IdleTimeoutBalancer.like('aws-nbl')).toThrow(/there is no middlebox "aws-nbl"/);
  });
});

describe.runIf(containersThere)('a balancer in somebody’s test', () => {
  let network: StartedNetwork;
  let servers: [StartedTestContainer, StartedTestContainer];
  const clients: Redis[] = [];
  const server = () =>
    new GenericContainer(labImageName())
      .withCommand(['broker'])
      .withNetwork(network)
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
      .start();

  beforeAll(async () => {
    network = await labNetwork();
    servers = await Promise.all([server(), server()]);
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await Promise.all((servers ?? []).map((each) => each.stop()));
    await network?.stop();
  });

  const balancer = (more: Partial<BalancerOptions> = {}) =>
    new IdleTimeoutBalancer(network, {
      upstreams: [{ container: servers[0], port: PORT }],
      idleTimeout: '3s',
      ...more,
    }).start();

  /** A client that does nothing of its own accord. */
  async function client({ host, port }: StartedIdleTimeoutBalancer, keepAlive?: number): Promise<Redis> {
    const redis = new Redis({
      host,
      port,
      // As in the lab: how ioredis is told to leave SO_KEEPALIVE alone.
      keepAlive: keepAlive ?? (false as unknown as number),
      commandTimeout: 1000,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      lazyConnect: true,
    });
    redis.on('error', () => {});
    clients.push(redis);
    await redis.connect();
    await redis.ping();
    return redis;
  }

  const endOf = (redis: Redis) => {
    const { localAddress, localPort } = (redis as unknown as { stream: import('node:net').Socket }).stream;
    return `${localAddress}:${localPort}`;
  };

  it('forgets by idleness, each connection for itself, and tells nobody', async () => {
    await using box = await balancer();
    const [idle, busy] = [await client(box), await client(box)];
    const ends = new Map((await box.flows()).map((flow) => [flow.client, flow]));
    expect([...ends.keys()].sort()).toEqual([endOf(idle), endOf(busy)].sort());
    // Never quiet for as long as the balancer's patience, whatever else takes its time.
    const beat = setInterval(() => void busy.ping().catch(() => {}), 250);
    await sleep(5000);
    expect((await box.flows()).map(({ client: end, state }) => [end, state])).toEqual([[endOf(busy), 'ESTABLISHED']]);
    await expect(idle.ping()).rejects.toThrow(/Command timed out/);
    const forgotten = ends.get(endOf(idle));
    expect(await box.zombies()).toEqual([{ local: forgotten?.upstream, peer: forgotten?.seenAs }]);
    clearInterval(beat);
    expect(await busy.ping()).toBe('PONG');
  });

  it('lets the application’s own keepalive through: its probes arrive at the server, and the flow is kept', async () => {
    await using box = await balancer();
    const capture = await new GenericContainer(labImageName())
      .withNetworkMode(`container:${servers[0].getId()}`)
      .withDroppedCapabilities('ALL')
      .withAddedCapabilities('NET_RAW', 'SETUID', 'SETGID')
      .withCommand(['tcpdump', '-lnni', 'eth0', '-S', `tcp port ${PORT}`])
      .withWaitStrategy(Wait.forLogMessage(/listening on eth0/))
      .start();
    let packets = '';
    (await capture.logs()).setEncoding('utf8').on('data', (text: string) => {
      packets += text;
    });
    const redis = await client(box, 1000);
    await sleep(6000);
    expect(await redis.ping()).toBe('PONG');
    await capture.stop();
    // A probe repeats the byte before the next one: an ACK of nothing new, of no length, once a second.
    const from = box.host.replaceAll('.', '\\.');
    const sent = [
      ...packets.matchAll(new RegExp(`^(\\S+) IP ${from}\\.\\d+ > \\S+: Flags \\[\\.\\], .*ack \\d+.*length 0$`, 'gm')),
    ];
    const answers = [
      ...packets.matchAll(new RegExp(`^\\S+ IP \\S+ > ${from}\\.\\d+: Flags \\[\\.\\], ack \\d+.*length 0$`, 'gm')),
    ];
    expect(sent.length).toBeGreaterThanOrEqual(5);
    expect(answers.length).toBeGreaterThanOrEqual(5);
    expect(await box.zombies()).toEqual([]);
  });

  it('forgets at once when told to', async () => {
    await using box = await balancer({ idleTimeout: '1h', latePacket: 'reset-sender' });
    const redis = await client(box);
    expect(await box.forgetNow()).toBe(1);
    expect(await box.flows()).toEqual([]);
    await expect(redis.ping()).rejects.toThrow(/Connection is closed|ECONNRESET/);
    expect(await box.zombies()).toHaveLength(1);
  });

  it('has another patience for later connections when told to', async () => {
    await using box = await balancer({ idleTimeout: '1h' });
    const early = await client(box);
    await box.setIdleTimeout('2s');
    const late = await client(box);
    const left = new Map((await box.flows()).map((flow) => [flow.client, flow.expiresInSeconds]));
    expect(left.get(endOf(early))).toBeGreaterThan(3500);
    expect(left.get(endOf(late))).toBeLessThanOrEqual(2);
    await sleep(3500);
    expect((await box.flows()).map(({ client: end }) => end)).toEqual([endOf(early)]);
  });

  it('balances a late packet anew, to a server that has never seen the connection', async () => {
    const upstreams = [
      { container: servers[0], port: PORT },
      { container: servers[1], port: PORT },
    ] as const;
    await using box = await balancer({ upstreams, latePacket: 'rebalance', idleTimeout: '1h' });
    const redis = await client(box);
    const [first] = await box.flows();
    await box.forgetNow();
    await expect(redis.ping()).rejects.toThrow(/Connection is closed|ECONNRESET/);
    expect(await box.zombies()).toEqual([{ local: first?.upstream, peer: first?.seenAs }]);
  });

  it('says goodbye to both ends at the expiry, where it is to', async () => {
    await using box = await balancer({ atExpiry: 'reset-both', idleTimeout: '2s' });
    const redis = await client(box);
    const closed = new Promise((resolve) => redis.once('close', resolve));
    await Promise.race([closed, sleep(20_000, undefined, { ref: false })]);
    expect(redis.status).not.toBe('ready');
    expect(await box.zombies()).toEqual([]);
  });

  it('says goodbye as soon as its patience ends, when that has been made shorter', async () => {
    await using box = await balancer({ atExpiry: 'reset-both', idleTimeout: '1h' });
    await box.setIdleTimeout('2s');
    const redis = await client(box);
    const closed = new Promise((resolve) => redis.once('close', () => resolve('closed')));
    expect(await Promise.race([closed, sleep(20_000, 'open', { ref: false })])).toBe('closed');
  });

  it('listens on another port than its servers, and is found by name in its network', async () => {
    const box = await new IdleTimeoutBalancer(network, {
      upstreams: [{ container: servers[0], port: PORT }],
      idleTimeout: 60,
      port: 7000,
    })
      .withName(`idlelab-test-balancer-${process.pid}`)
      .start();
    const { output } = await servers[1].exec([
      'redis-cli',
      '-h',
      `idlelab-test-balancer-${process.pid}`,
      '-p',
      '7000',
      'PING',
    ]);
    expect(output).toBe('PONG\n');
    await box.stop();
  });

  it('says so where packets from here do not get to it', () => {
    // A process whose only network is its own loopback: the container engine answers (by its socket), packets do not arrive.
    const script = join(packageRoot, 'test/testcontainers/unreachable.ts');
    const { stdout, stderr } = spawnSync('unshare', ['--net', process.execPath, script, network.getName()], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(
      /^UNREACHABLE packets from here do not get to 198\.19\.\d+\.\d+, the balancer's own address/,
    );
    expect(stderr).toBe('');
  });
});
