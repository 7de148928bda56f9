import { parseArgs } from 'node:util';
import { startPostgresServer } from '@mad/testkit';
import { CACHE_CHECKS } from './cache/index.ts';
import { EXECUTOR_CHECKS } from './executor/index.ts';
import { type CheckReport, runChecks } from './run-checks.ts';
import { TASKS_CHECKS } from './tasks/index.ts';
import { TENANCY_CHECKS } from './tenancy/index.ts';

/** Every group of checks by its name. */
const GROUPS = { executor: EXECUTOR_CHECKS, tasks: TASKS_CHECKS, cache: CACHE_CHECKS, tenancy: TENANCY_CHECKS };

// Commits wait for the disk, and many processes have pools of their own.
const SETTINGS = ['fsync=on', 'synchronous_commit=on', 'max_connections=300', 'max_wal_size=4GB', 'jit=off'];

const USAGE = `npm run check -- <group> [--only <name>,…] [--small] [--json]
${Object.entries(GROUPS)
  .map(([group, checks]) => `${group}: ${Object.keys(checks).join(', ')}`)
  .join('\n')}`;

/** Prints a line for each check. Exits 1 where one falls short, 2 where it was called wrongly. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, small: { type: 'boolean' }, json: { type: 'boolean' } },
  });
  const [group = ''] = positionals;
  const only = values.only?.split(',').map((name) => name.trim());
  const known = Object.entries(GROUPS).find(([name]) => name === group)?.[1];
  if (!known || only?.some((name) => !Object.hasOwn(known, name))) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  // A server that the caller names is taken as it is.
  await using server = process.env.MAD_TEST_DATABASE_URL
    ? undefined
    : await startPostgresServer({ settings: SETTINGS });
  if (server) process.env.MAD_TEST_DATABASE_URL = server.url();
  const reports: CheckReport[] = [];
  const checks = Object.fromEntries(Object.entries(known).filter(([name]) => !only || only.includes(name)));
  const print = (line: string) => void process.stderr.write(`  ${line}\n`);
  for await (const report of runChecks({ checks, size: values.small ? 'small' : 'full', print })) {
    reports.push(report);
    const { passed, line, seconds } = report;
    if (!values.json) process.stdout.write(`${passed ? 'passed' : 'FAILED'}  ${line} (${seconds} s)\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
  return reports.every(({ passed }) => passed) ? 0 : 1;
}

process.exitCode = await main();
