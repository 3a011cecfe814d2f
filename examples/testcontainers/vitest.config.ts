import { defineConfig } from 'vitest/config';

// Real time-outs take real time, and the first start builds an image.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 600_000 } });
