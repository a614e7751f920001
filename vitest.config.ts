import { defineConfig } from 'vitest/config';

const report = process.env.TEST_REPORT;
/** Where nobody looks on, what ran out of time on a busy machine is run once more. Whatever else fails, a loss above all, stands. */
const outOfTime = { count: 1, condition: /did not happen within \d+ ms|timed out in \d+ms/ };

export default defineConfig({
  test: {
    globalSetup: 'test/support/leftovers.ts',
    pool: 'forks',
    maxWorkers: 2,
    retry: process.env.CI === 'true' ? outOfTime : 0,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/support/*.test.ts', 'web/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'disasters',
          include: ['test/{e2e,faults}/**/*.test.ts'],
          sequence: { groupOrder: 1 }, // after the parts: worlds of ten processes, some with deadlines
          testTimeout: 300_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
