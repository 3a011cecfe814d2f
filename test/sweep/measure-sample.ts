// Measures a seeded sample of cells on network namespaces; prints them with what was measured, as JSON. Run inside a lab's own
// namespaces by measure.test.ts.
//
// usage: measure-sample <how many> <seed>
import fc from 'fast-check';
import { NetnsLab } from '../../src/engines/netns/network.ts';
import { Watcher } from '../../src/lab/watch/watcher.ts';
import { kernelHz } from '../../src/linux/libc.ts';
import type { Keepalive } from '../../src/model/keepalive.ts';
import type { Cell } from '../../src/model/predict.ts';
import type { ActPlan } from '../../src/scenario/plan.ts';
import { measureCells } from '../../src/sweep/measure.ts';

const [count, seed] = process.argv.slice(2).map(Number) as [number, number];
const QUIET_SECONDS = 10;

const keepalive: fc.Arbitrary<Keepalive | 'off'> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('off' as const) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      )
      .map(([idleSeconds, intervalSeconds, probes, userTimeoutSeconds]) => ({
        idleSeconds,
        intervalSeconds,
        probes,
        ...(userTimeoutSeconds === undefined ? {} : { userTimeoutSeconds }),
      })),
  },
);
const cell: fc.Arbitrary<Cell> = fc
  .tuple(
    keepalive,
    fc.constantFrom<Keepalive | 'off'>('off', 'off', { idleSeconds: 2, intervalSeconds: 1, probes: 3 }),
    fc.integer({ min: 2, max: 6 }),
    fc.constantFrom('drop' as const, 'reset-sender' as const),
  )
  .map(([mine, theirs, timeoutSeconds, latePacket]) => ({
    client: { keepalive: mine },
    server: { keepalive: theirs },
    middlebox: { layer: 'L4', timeoutSeconds, atExpiry: 'forgets', latePacket },
    quietSeconds: QUIET_SECONDS,
    hz: kernelHz(),
  }));

const act = {
  name: 'sweep',
  hosts: [
    { role: 'client', name: 'swarm', library: 'ioredis', connections: count },
    { role: 'middlebox', name: 'balancer' },
    { role: 'broker', name: 'server', group: 'server', broker: 'redis' },
  ],
} as unknown as ActPlan;

const cells = fc.sample(cell, { numRuns: count, seed });
{
  using watcher = new Watcher();
  await using lab = await NetnsLab.up(act, '/run/idlelab/sweep', watcher);
  const measured = await measureCells(lab, cells, {
    client: 'swarm',
    balancer: 'balancer',
    server: 'server',
    patienceSeconds: 3,
  });
  process.stdout.write(JSON.stringify(cells.map((each, index) => ({ cell: each, measured: measured[index] }))));
}
process.exit();
