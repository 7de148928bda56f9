import type { JobSignal } from '../ports/signals.ts';

/**
 * In the place of a job's id: look at every job of the organization. In the place of the organization's id: of every organization. Sent where
 * signals were too many to name, and after a break in which some may have been missed.
 */
export const EVERY = '*';

/** Look again at everything. */
export const EVERYTHING: JobSignal = { orgId: EVERY, jobId: EVERY };
