import { defineConfig } from 'vitest/config';

// Worker threads and child processes run from dist/ (`npm test` builds first); the tests themselves run from source.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
