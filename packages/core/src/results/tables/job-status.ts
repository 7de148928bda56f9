/** The five states of a job and of an execution. COMPLETED, FAILED and CANCELED are final. */
export const JOB_STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'] as const;

/** One of the five states. */
export type JobStatus = (typeof JOB_STATUSES)[number];

/** The states that a job never leaves. */
export type TerminalJobStatus = Extract<JobStatus, 'COMPLETED' | 'FAILED' | 'CANCELED'>;
