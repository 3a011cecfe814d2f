// Does our Redis client survive a night behind an AWS Network Load Balancer? Its 350 s are 5 s here.
import { setTimeout as sleep } from 'node:timers/promises';
import { IdleTimeoutBalancer, labNetwork, type StartedIdleTimeoutBalancer } from 'idlelab/testcontainers';
import { Redis, type RedisOptions } from 'ioredis';
import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';

let network: StartedNetwork;
let server: StartedTestContainer;
let balancer: StartedIdleTimeoutBalancer;

beforeAll(async () => {
  network = await labNetwork();
  server = await new GenericContainer('redis:7-bookworm')
    .withNetwork(network)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  balancer = await new IdleTimeoutBalancer(network, {
    upstreams: [{ container: server, port: 6379 }],
    ...IdleTimeoutBalancer.like('aws-nlb', { scale: 1 / 70 }),
  }).start();
});

afterAll(async () => {
  await balancer?.stop();
  await server?.stop();
  await network?.stop();
});

async function connected(options: RedisOptions): Promise<Redis> {
  const { host, port } = balancer;
  const redis = new Redis({ host, port, maxRetriesPerRequest: 0, lazyConnect: true, ...options });
  redis.on('error', () => {});
  await redis.connect();
  await redis.set('greeting', 'good night');
  return redis;
}

test('with keepalive at two hours the first command of the morning fails, and the server keeps a zombie', async () => {
  const redis = await connected({ keepAlive: 7_200_000 });
  await sleep(7000);
  expect(await balancer.flows()).toEqual([]);
  await expect(redis.get('greeting')).rejects.toThrow();
  expect(await balancer.zombies()).toHaveLength(1);
  redis.disconnect();
});

test('with keepalive below the balancer’s patience it is answered', async () => {
  const redis = await connected({ keepAlive: 2000 });
  await sleep(7000);
  expect(await redis.get('greeting')).toBe('good night');
  redis.disconnect();
});
