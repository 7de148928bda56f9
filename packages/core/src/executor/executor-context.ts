import type { Clock } from '../clock.ts';
import type { OrgId } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { ResultCache } from '../ports/result-cache.ts';
import type { TaskRunner } from '../ports/task-runner.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { Flights } from './flights.ts';
import type { Journal } from './journal.ts';
import type { SpecStore } from './spec-store.ts';

/** What all runs of one organization's jobs share. */
export interface ExecutorContext {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly journal: Journal;
  readonly specs: SpecStore;
  readonly flights: Flights;
  readonly tasks: TaskRunner;
  /** Absent: jobs neither read nor fill the cache. */
  readonly cache: ResultCache | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly holder: string;
  readonly leaseMs: number;
  readonly stepConcurrency: number;
  /** A job whose executor was lost more often than this is given up. */
  readonly maxCrashes: number;
  /** The job is held now. */
  readonly onClaimed: (jobId: string) => void;
}
