import { MadError } from '../errors.ts';

/** Thrown when a job's lease is no longer the caller's: it expired and was claimed again, was given back, or the job is closed. Stop, and write nothing more. */
export class LeaseLostError extends MadError {
  static override readonly code = 'MAD_CORE_LEASE_LOST';
  constructor({ jobId, fence }: { jobId: string; fence: number }) {
    super({
      message: `the lease of job ${jobId} under fence ${fence} is lost; stop working on it, its present holder goes on`,
      details: { jobId, fence },
    });
  }
}
