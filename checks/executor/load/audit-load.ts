import type { ResultsDatabase } from '@mad/core';
import { auditJob } from '../work/audit-job.ts';
import type { WorkGraph, WorkParameters } from '../work/work-graphs.ts';
import type { WorkService } from '../work/work-service.ts';
import { readJobRecords } from './read-job-records.ts';

export interface LoadJob {
  readonly jobId: string;
  readonly parameters: WorkParameters;
}

export interface AuditLoad {
  readonly results: ResultsDatabase;
  readonly graph: WorkGraph;
  readonly jobs: readonly LoadJob[];
  readonly service: WorkService;
}

export interface LoadAudit {
  /** Jobs with nothing wrong. */
  readonly right: number;
  readonly lost: number;
  readonly doubled: number;
  /** Calls that the service saw beyond one a step. */
  readonly extraCalls: number;
  /** How often jobs were taken over after their lease had run out, and how often taken up again at all. */
  readonly crashes: number;
  readonly resumed: number;
  readonly faults: readonly string[];
}

const CHUNK = 250;

/** Holds every job against what its graph must give. A call that was repeated is counted, and no fault by itself: its answer may have been lost. */
export async function auditLoad({ results, graph, jobs, service }: AuditLoad): Promise<LoadAudit> {
  const counts = { right: 0, lost: 0, doubled: 0, extraCalls: 0, crashes: 0, resumed: 0 };
  const faults: string[] = [];
  for (let first = 0; first < jobs.length; first += CHUNK) {
    const chunk = jobs.slice(first, first + CHUNK);
    const ids = chunk.map(({ jobId }) => jobId);
    const records = new Map((await readJobRecords(results, ids)).map((record) => [record.job.job_id, record]));
    for (const { jobId, parameters } of chunk) {
      const record = records.get(jobId);
      const calls = service.callsOf(jobId);
      counts.extraCalls += calls.length - Object.keys(graph.steps).length;
      counts.crashes += record?.job.crash_count ?? 0;
      counts.resumed += record?.events.filter(({ event }) => event === 'RESUMED').length ?? 0;
      const before = { committed: new Set<string>(), calls: [] };
      const found = record
        ? auditJob({ record, graph, parameters, calls: [...new Set(calls)], before })
        : [{ kind: 'lost' as const, what: 'the job is gone' }];
      if (found.length === 0) counts.right++;
      if (found.some(({ kind }) => kind === 'lost')) counts.lost++;
      if (found.some(({ kind }) => kind === 'doubled')) counts.doubled++;
      faults.push(...found.map(({ kind, what }) => `${jobId} ${kind}: ${what}`));
    }
  }
  return { ...counts, faults };
}
