import { defineConfig } from 'vitest/config';

// What needs a container engine changes links and rules of the machine (Docker's own): it comes after what looks at them.
const CONTAINERS = [
  'test/engines/docker/**',
  'test/conformance/docker.test.ts',
  'test/compose/**',
  'test/testcontainers/**',
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
        test: {
          ...common,
          name: 'lab',
          include: ['test/**/*.test.ts'],
          exclude: CONTAINERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'containers',
          include: CONTAINERS.map((path) => (path.endsWith('**') ? `${path}/*.test.ts` : path)),
          globalSetup: 'test/helpers/containers.ts',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
