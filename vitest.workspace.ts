/** Every package and example with tests; vitest.config.ts takes its projects from this list. */
export const projects = [
  'packages/core',
  'packages/tenancy',
  'packages/tasks',
  'packages/cache',
  'packages/docking',
  'packages/cli',
  'packages/testkit',
  'examples/vina-service',
  'examples/quickstart',
  'bench',
  'checks',
];
