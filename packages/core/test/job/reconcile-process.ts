import { createMirror } from '../../src/job/create-mirror.ts';
import { listMirroredJobs } from '../../src/results/mirrored-job.repository.ts';
import { connectTwoDatabases } from './two-databases.ts';

// Ends a job in the Results DB and is killed before its mirror is written: node reconcile-process.ts <database url> <organization> <job>
const [url = '', orgId = '', jobId = ''] = process.argv.slice(2);
const host = connectTwoDatabases(url);
const results = await host.platform.results.get(orgId);
const mirror = createMirror(host.platform, { pauseMs: 60_000 });
await results.transaction().execute(async (tx) => {
  await tx
    .updateTable('jobs')
    .set({ status: 'COMPLETED', fence: 1, last_event_seq: 2 })
    .where('job_id', '=', jobId)
    .execute();
  await tx.insertInto('job_events').values({ job_id: jobId, seq_no: 2, event: 'COMPLETED' }).execute();
});
for (const job of await listMirroredJobs(results, { jobIds: [jobId] })) mirror.note(orgId, job);
process.stdout.write('committed\n');
