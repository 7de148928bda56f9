import { createHash } from 'node:crypto';
import { isJsonObject } from '@mad/core';
import type { JobRecord } from './job-record.ts';
import { expectedOf, type WorkGraph, type WorkParameters } from './work-graphs.ts';

/** What is wrong with a job that is over. `lost`: something is missing; `doubled`: something was done or written again. */
export interface Fault {
  readonly kind: 'lost' | 'doubled' | 'wrong';
  readonly what: string;
}

export interface AuditJob {
  readonly record: JobRecord;
  readonly graph: WorkGraph;
  readonly parameters: WorkParameters;
  /** Idempotency keys of all calls that reached the service. */
  readonly calls: readonly string[];
  /** Steps whose result was committed when the executor died, and calls that had come by then. */
  readonly before: { readonly committed: ReadonlySet<string>; readonly calls: readonly string[] };
}

const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELED'];

/** Holds a completed job against what its graph must give, and against the calls that its service saw. */
export function auditJob(audit: AuditJob): readonly Fault[] {
  return [...auditEnd(audit), ...auditSteps(audit), ...auditCalls(audit)];
}

function* auditEnd({ record: { job, events, executions } }: AuditJob): Generator<Fault> {
  if (job.status !== 'COMPLETED') yield { kind: 'lost', what: `the job is ${job.status} ${JSON.stringify(job.error)}` };
  const gap = events.findIndex(({ seq_no }, index) => seq_no !== index + 1);
  if (gap >= 0) yield { kind: 'lost', what: `event ${gap + 1} has the number ${events[gap]?.seq_no}` };
  if (job.last_event_seq !== events.length)
    yield { kind: 'wrong', what: `the row counts ${job.last_event_seq} events, there are ${events.length}` };
  const terminal = events.filter(({ event }) => TERMINAL.includes(event));
  if (terminal.length > 1) yield { kind: 'doubled', what: `it ended ${terminal.length} times` };
  if (!TERMINAL.includes(events.at(-1)?.event ?? ''))
    yield { kind: 'wrong', what: `the last event is ${events.at(-1)?.event}` };
  for (const { task_name, status } of executions)
    if (status === 'RUNNING' || status === 'PENDING')
      yield { kind: 'wrong', what: `an execution of ${task_name} is left ${status}` };
}

function* auditSteps({ record, graph, parameters }: AuditJob): Generator<Fault> {
  for (const [step, { value, report }] of expectedOf(graph, parameters)) {
    const rows = record.results.filter(({ task_name }) => task_name === step);
    if (rows.length !== 1) yield { kind: rows.length ? 'doubled' : 'lost', what: `${step} has ${rows.length} results` };
    const found = rows[0]?.result_data;
    const file = isJsonObject(found?.report) ? found.report.$artifact : undefined;
    if (found && (found.value !== value || file !== createHash('sha256').update(report).digest('hex')))
      yield { kind: 'wrong', what: `${step} gave ${String(found.value)} instead of ${value}, or another file` };
    const told = record.events.filter(({ event, detail }) => event === 'TASK_COMPLETED' && detail === step).length;
    if (told !== 1)
      yield { kind: told ? 'doubled' : 'lost', what: `${step} was completed ${told} times by the events` };
    const done = record.executions.filter(({ task_name, status }) => task_name === step && status === 'COMPLETED');
    if (done.length !== 1)
      yield { kind: done.length ? 'doubled' : 'lost', what: `${step} has ${done.length} completed executions` };
  }
  const last = expectedOf(graph, parameters).get(graph.last)?.report ?? '';
  if (record.outputs.length !== 1 || record.outputs[0]?.checksum !== createHash('sha256').update(last).digest('hex'))
    yield { kind: 'lost', what: `the job has not the one output that it should: ${JSON.stringify(record.outputs)}` };
}

function* auditCalls({ record: { job, executions }, graph, calls, before }: AuditJob): Generator<Fault> {
  for (const step of Object.keys(graph.steps)) {
    const isCall = (key: string) => key === `${job.job_id}/${step}/0`;
    const [earlier, all] = [before.calls.filter(isCall).length, calls.filter(isCall).length];
    // A call has a row before it is made: a second one without a second row would be nobody's.
    const rows = executions.filter(({ task_name }) => task_name === step).length;
    if (all === 0) yield { kind: 'lost', what: `${step} was never called` };
    else if (before.committed.has(step) && all > earlier)
      yield { kind: 'doubled', what: `${step} was called again after its result had been committed` };
    else if (all > Math.min(rows, 2))
      yield { kind: 'doubled', what: `${step} was called ${all} times, with ${rows} executions` };
  }
  const known = new Set(Object.keys(graph.steps).map((step) => `${job.job_id}/${step}/0`));
  for (const key of calls)
    if (!known.has(key)) yield { kind: 'doubled', what: `the service was called under ${key}, not the first key` };
}
