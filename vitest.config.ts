import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { projects } from './vitest.workspace.ts';

export default defineConfig({
  test: {
    // By itself vitest leaves a core alone, and on two cores runs one file after the other, which mostly wait.
    maxWorkers: Math.max(2, availableParallelism()),
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    projects: projects.map((root) => ({
      extends: true as const,
      root,
      test: {
        name: root,
        include: ['test/**/*.test.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        pool: 'forks' as const,
        // Machines that build are slow at times.
        expect: { poll: { timeout: 10_000 } },
      },
    })),
  },
});
