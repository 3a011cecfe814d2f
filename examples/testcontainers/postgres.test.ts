// Does our PostgreSQL pool survive a firewall that drops what it has forgotten?
import { IdleTimeoutBalancer, labNetwork, type StartedIdleTimeoutBalancer } from 'idlelab/testcontainers';
import pg from 'pg';
import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

let network: StartedNetwork;
let server: StartedTestContainer;
let balancer: StartedIdleTimeoutBalancer;
const pools: pg.Pool[] = [];

beforeAll(async () => {
  network = await labNetwork();
  server = await new GenericContainer('postgres:17-bookworm')
    .withEnvironment({ POSTGRES_PASSWORD: 'secret' })
    .withNetwork(network)
    // The first time it is its own set-up that is ready.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  balancer = await new IdleTimeoutBalancer(network, {
    upstreams: [{ container: server, port: 5432 }],
    idleTimeout: '3s',
    latePacket: 'drop',
  }).start();
});

afterEach(() => {
  // What hangs cannot be ended politely.
  for (const pool of pools.splice(0)) pool.end().catch(() => {});
});

afterAll(async () => {
  await balancer?.stop();
  await server?.stop();
  await network?.stop();
});

function poolOf(options: pg.PoolConfig): pg.Pool {
  const { host, port } = balancer;
  const pool = new pg.Pool({
    host,
    port,
    user: 'postgres',
    password: 'secret',
    max: 1,
    idleTimeoutMillis: 0,
    ...options,
  });
  pool.on('error', () => {});
  pools.push(pool);
  return pool;
}

const answer = async (pool: pg.Pool) => (await pool.query('select 42 as answer')).rows[0].answer;

test('a pooled connection that was forgotten hangs until the query’s own time-out', async () => {
  const pool = poolOf({ query_timeout: 1000 });
  expect(await answer(pool)).toBe(42);
  expect(await balancer.forgetNow()).toBe(1);
  await expect(answer(pool)).rejects.toThrow(/timeout/i);
  expect(await balancer.zombies()).toHaveLength(1);
});

test('with keepalive below the firewall’s patience it is answered', async () => {
  const pool = poolOf({ query_timeout: 1000, keepAlive: true, keepAliveInitialDelayMillis: 1000 });
  expect(await answer(pool)).toBe(42);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  expect(await answer(pool)).toBe(42);
});

test('with a pool that closes idle connections sooner than the firewall forgets them, it opens a new one', async () => {
  const pool = poolOf({ query_timeout: 1000, idleTimeoutMillis: 1000 });
  expect(await answer(pool)).toBe(42);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  expect(pool.totalCount).toBe(0);
  expect(await answer(pool)).toBe(42);
});
