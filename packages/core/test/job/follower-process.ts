import { followJob } from '../../src/job/follow-job.ts';
import { connectPostgres } from '../../src/postgres/connect-postgres.ts';
import { createPostgresSignals } from '../../src/signals/create-postgres-signals.ts';
import { caller, createFollowedPlatform } from './followed-platform.ts';

// Follows a job in a process of its own, an event a line: node follower-process.ts <database url> <job id> <signals | none>
const [connectionString, jobId = '', kind] = process.argv.slice(2);
const db = connectPostgres({ connectionString });
const signals = kind === 'signals' ? createPostgresSignals({ metadata: { connectionString } }) : undefined;
for await (const { seq, event } of followJob(createFollowedPlatform(db, { signals }), caller, { jobId })) {
  process.stdout.write(`${seq} ${event}\n`);
}
await db.destroy();
