import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { createPgBossQueue } from '../../src/pg-boss/index.ts';

// A worker in a process of its own, which writes its runs to the table `runs`: node worker-process.ts <database url> <options as JSON>
const [connectionString, json = '{}'] = process.argv.slice(2);
const { limits, concurrency, serviceMs } = JSON.parse(json);
const pool = new Pool({ connectionString, max: 4 });
// The test drops the database when it has seen enough.
pool.on('error', () => process.exit());
const db = new Kysely<never>({ dialect: new PostgresDialect({ pool }) });
const queue = await createPgBossQueue({
  boss: { connectionString: connectionString ?? '', max: 2, supervise: false, migrate: false },
  metadata: db as never,
  limits,
});
queue.consume({
  concurrency,
  async handler({ orgId, jobId, resourceClass }) {
    const { rows } = await sql<{ id: number }>`insert into runs (pid, org_id, job_id, resource_class)
      values (${process.pid}, ${orgId}, ${jobId}, ${resourceClass}) returning id`.execute(db);
    await sleep(serviceMs);
    await sql`update runs set ended = clock_timestamp() where id = ${rows[0]?.id}`.execute(db);
  },
});
process.stdout.write('ready\n');
