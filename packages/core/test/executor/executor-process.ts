import { setTimeout } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { Executor } from '../../src/index.ts';
import { connectTestPlatform, createTestTasks } from './test-platform.ts';

// An executor in a process of its own, whose docking never ends: node executor-process.ts <database url> <artifact folder>
const [connectionString, folder = ''] = process.argv.slice(2);
const tasks = createTestTasks({
  prepare: () => ({ ligand: 'prepared by a process that died' }),
  dock: async (_request, { idempotencyKey }) => {
    process.stdout.write(`${idempotencyKey}\n`);
    await setTimeout(600_000);
    return {};
  },
});
const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString }) }) });
new Executor(connectTestPlatform(db, { folder, tasks }).platform, { leaseMs: 1_500, recoverEveryMs: 50 }).start();
