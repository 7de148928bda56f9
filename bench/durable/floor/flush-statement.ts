/**
 * One statement that commits transitions of many jobs, a job at most once. Three updates of `jobs`, because setting `status` or `timings` fires
 * triggers and touches an index, while the counter alone stays in its page.
 * $1–$3 claims: jobs, holder, lease · $4–$6 jobs that go on: ids, fences, events · $7–$9 jobs that close · $10–$12 executions that start: ids, jobs,
 * steps · $13 executions that end · $14–$16 results: jobs, steps, answers · $17–$21 events: jobs, numbers, names, details, metadata
 */
export const flushStatement = (schema: string): string => `
with claimed as (
  update ${schema}.jobs j set status = 'RUNNING', lease_owner = $2::text, fence = j.fence + 1, last_event_seq = j.last_event_seq + 2,
    lease_expires_at = now() + make_interval(secs => $3::float8),
    timings = jsonb_build_object('started', now()) || j.timings
  from unnest($1::uuid[]) c(job_id) where j.job_id = c.job_id and j.status::text = 'PENDING' returning 1
), held as (
  update ${schema}.jobs j set last_event_seq = j.last_event_seq + h.events
  from unnest($4::uuid[], $5::bigint[], $6::bigint[]) h(job_id, fence, events)
  where j.job_id = h.job_id and j.fence = h.fence and j.status::text = 'RUNNING' returning 1
), closed as (
  update ${schema}.jobs j set status = 'COMPLETED', lease_owner = null, lease_expires_at = null, last_event_seq = j.last_event_seq + h.events,
    timings = j.timings || jsonb_build_object('ended', now())
  from unnest($7::uuid[], $8::bigint[], $9::bigint[]) h(job_id, fence, events)
  where j.job_id = h.job_id and j.fence = h.fence and j.status::text = 'RUNNING' returning 1
), started as (
  insert into ${schema}.task_executions (exec_id, job_id, task_name, status, started_at, retries, task_definition_id, worker_id)
  select e.exec_id, e.job_id, e.task_name, 'RUNNING', now(), 0, '0195d0c0-0000-7000-8000-0000000000d1', $2
  from unnest($10::uuid[], $11::uuid[], $12::text[]) e(exec_id, job_id, task_name)
), ended as (
  update ${schema}.task_executions x set status = 'COMPLETED', ended_at = now(), service_id = '0195d0c0-0000-7000-8000-0000000000d2'
  from unnest($13::uuid[]) e(exec_id) where x.exec_id = e.exec_id and x.status::text = 'RUNNING' returning 1
), answered as (
  insert into ${schema}.task_results (job_id, task_name, service_name, schema_version, result_data)
  select r.job_id, r.task_name, 'bench', '1.0.0', r.answer::jsonb
  from unnest($14::uuid[], $15::text[], $16::text[]) r(job_id, task_name, answer)
), told as (
  insert into ${schema}.job_events (job_id, seq_no, ts, event, detail, metadata)
  select e.job_id, e.seq_no, clock_timestamp(), e.event, e.detail, e.metadata::jsonb
  from unnest($17::uuid[], $18::bigint[], $19::text[], $20::text[], $21::text[]) e(job_id, seq_no, event, detail, metadata)
)
select (select count(*) from claimed) + (select count(*) from held) + (select count(*) from closed) as jobs, (select count(*) from ended) as ended`;
