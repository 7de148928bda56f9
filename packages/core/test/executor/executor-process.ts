import { once } from 'node:events';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { Executor } from '../../src/index.ts';
import { connectTestPlatform, createTestTasks } from './test-platform.ts';

// An executor in a process of its own, whose docking ends when a line comes on stdin: node executor-process.ts <database url> <artifact folder>
const [connectionString, folder = ''] = process.argv.slice(2);
const tasks = createTestTasks({
  prepare: () => ({ ligand: 'prepared by a process that died' }),
  dock: async (_request, { idempotencyKey }) => {
    process.stdout.write(`${idempotencyKey}\n`);
    await once(process.stdin, 'data');
    process.stdout.write('answered\n');
    return { from: 'a process that was thought dead' };
  },
});
const pool = new Pool({ connectionString });
// The test drops the database when it has seen enough.
pool.on('error', () => process.exit());
const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
new Executor(connectTestPlatform(db, { folder, tasks }).platform, { leaseMs: 1_500, recoverEveryMs: 50 }).start();
