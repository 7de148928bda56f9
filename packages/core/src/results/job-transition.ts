import type { JsonObject } from '../json.ts';
import type { NewJobEvent } from './job-event.repository.ts';
import type { NewDockingResultRow } from './tables/docking-result.table.ts';
import type { NewJobOutputRow } from './tables/job-output.table.ts';
import type { JobStatus, TerminalJobStatus } from './tables/job-status.ts';

/** An attempt that begins, or a step that is settled without one. */
export interface StartedAttempt {
  readonly execId: string;
  readonly taskName: string;
  readonly status: JobStatus;
  /** 0-based. */
  readonly attempt: number;
  readonly taskDefinitionId: string;
  readonly cacheKey: string | null;
  readonly cacheOutcome: string | null;
  readonly error: JsonObject | null;
}

/** An attempt that ends. */
export interface EndedAttempt {
  readonly execId: string;
  readonly status: TerminalJobStatus;
  readonly serviceId: string | null;
  readonly error: JsonObject | null;
}

/** The answer of a step instance. */
export interface CommittedResult {
  readonly taskName: string;
  readonly serviceName: string | null;
  readonly schemaVersion: string | null;
  /** 0..1; null: not scored. */
  readonly confidenceScore: number | null;
  readonly resultData: JsonObject;
}

/** How a job ends. */
export interface JobClose {
  readonly status: TerminalJobStatus;
  readonly error: JsonObject | null;
  /** Laid over what is there. */
  readonly metrics: JsonObject;
  readonly outputs: readonly Omit<NewJobOutputRow, 'job_id'>[];
  readonly poses: readonly Omit<NewDockingResultRow, 'job_id'>[];
}

/**
 * Everything that happens to one job at one moment. It is written whole, or not at all where `fence` does not hold the job any more.
 * Events are numbered in their order, behind those that are there.
 */
export interface JobTransition {
  readonly jobId: string;
  /** The fence that holds the job; for a claim the fence that the job was seen with. */
  readonly fence: number;
  /** Takes the lease first: the job is RUNNING under `fence + 1`. */
  readonly claim?: boolean | undefined;
  readonly close?: JobClose | undefined;
  readonly events: readonly NewJobEvent[];
  readonly starts: readonly StartedAttempt[];
  readonly ends: readonly EndedAttempt[];
  readonly results: readonly CommittedResult[];
}

/** A job whose transition was written. */
export interface MovedJob {
  readonly job_id: string;
  /** Number of its newest event. */
  readonly last_event_seq: number;
  readonly cancel_requested: boolean;
}
