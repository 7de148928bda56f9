import type { ResultsDatabase } from '@mad/core';
import type { JobRecord } from '../work/job-record.ts';

/** Everything that the database holds of the jobs, in their order, read table by table. */
export async function readJobRecords(db: ResultsDatabase, jobIds: readonly string[]): Promise<readonly JobRecord[]> {
  const ids = [...jobIds];
  const jobs = await db.selectFrom('jobs').selectAll().where('job_id', 'in', ids).execute();
  const events = await db.selectFrom('job_events').selectAll().where('job_id', 'in', ids).orderBy('seq_no').execute();
  const executions = await db.selectFrom('task_executions').selectAll().where('job_id', 'in', ids).execute();
  const results = await db.selectFrom('task_results').selectAll().where('job_id', 'in', ids).execute();
  const outputs = await db.selectFrom('job_outputs').selectAll().where('job_id', 'in', ids).execute();
  const [eventsOf, executionsOf, resultsOf, outputsOf] = [
    Map.groupBy(events, byJob),
    Map.groupBy(executions, byJob),
    Map.groupBy(results, byJob),
    Map.groupBy(outputs, byJob),
  ];
  const byId = new Map(jobs.map((job) => [job.job_id, job]));
  return jobIds.flatMap((jobId) => {
    const job = byId.get(jobId);
    if (!job) return [];
    const { fence, last_event_seq, last_log_line } = job;
    const numbers = {
      fence: Number(fence),
      last_event_seq: Number(last_event_seq),
      last_log_line: Number(last_log_line),
    };
    return {
      job: { ...job, ...numbers },
      events: (eventsOf.get(jobId) ?? []).map((event) => ({ ...event, seq_no: Number(event.seq_no) })),
      executions: executionsOf.get(jobId) ?? [],
      results: resultsOf.get(jobId) ?? [],
      outputs: (outputsOf.get(jobId) ?? []).map((output) => ({
        ...output,
        size_bytes: output.size_bytes === null ? null : Number(output.size_bytes),
      })),
    };
  });
}

const byJob = ({ job_id }: { readonly job_id: string }): string => job_id;
