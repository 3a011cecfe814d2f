import { defineConfig } from 'vitest/config';

// What needs a container engine changes links and rules of the machine (Docker's own): it comes after what looks at them.
const CONTAINERS = [
  'test/engines/docker/**/*.test.ts',
  'test/conformance/docker.test.ts',
  'test/compose/**/*.test.ts',
  'test/testcontainers/**/*.test.ts',
];
// Needs the kernels of `npm run kernel`.
const VIRTUAL = ['test/engines/virtual/**/*.test.ts', 'test/**/virtual.test.ts', 'test/**/*.virtual.test.ts'];
// Needs namespaces, the programs of the lab, a browser or processes of its own, or takes longer than a watch should.
const LAB = [
  'test/engines/netns/**/*.test.ts',
  'test/conformance/netns.test.ts',
  'test/cli/**/*.test.ts',
  'test/linux/**/*.test.ts',
  'test/sweep/measure.test.ts',
  'test/setup.test.ts',
  'test/**/page.test.ts',
  'test/**/*.lab.test.ts',
];

const common = {
  // Scenarios wait for real time-outs; how long they take is the bench's matter, not the tests'.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  pool: 'forks',
} as const;

export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      {
        // Pure functions on files and recorded evidence: no rights, no kernel, no browser. `npm run unit -- --watch`
        test: {
          ...common,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...CONTAINERS, ...VIRTUAL, ...LAB],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'lab', include: LAB, exclude: CONTAINERS, sequence: { groupOrder: 1 } } },
      {
        test: {
          ...common,
          name: 'virtual',
          include: VIRTUAL,
          exclude: [...CONTAINERS, ...LAB],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'containers',
          include: CONTAINERS,
          globalSetup: 'test/helpers/containers.ts',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
