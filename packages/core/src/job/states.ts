import type { JobStatus, TerminalJobStatus } from '../results/tables/job-status.ts';

/** True for the states that a job never leaves. */
export function isTerminal(status: JobStatus): status is TerminalJobStatus {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELED';
}
