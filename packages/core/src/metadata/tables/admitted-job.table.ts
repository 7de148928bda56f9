import type { Generated, Selectable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** The jobs that a queue over many machines has let start and that have not ended: what its limits count. */
export interface AdmittedJobTable {
  job_id: string;
  org_id: string;
  resource_class: string;
  /** The consumer that runs it. */
  worker_id: string;
  /** The message of pg-boss that brought the job, and which delivery of it this is. */
  message_id: string;
  attempt: Generated<number>;
  admitted_at: TimestampColumn;
  /** When the slot is taken back from a worker that gives no sign of life. */
  expires_at: Date;
}

/** A row of `admitted_jobs`. */
export type AdmittedJobRow = Selectable<AdmittedJobTable>;
