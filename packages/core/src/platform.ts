import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { MetadataDatabase } from './metadata/metadata-database.ts';
import type { ArtifactStore } from './ports/artifact-store.ts';
import type { JobQueue } from './ports/job-queue.ts';
import type { Quotas } from './ports/quotas.ts';
import type { ResultCache } from './ports/result-cache.ts';
import type { ResultsDatabases } from './ports/results-databases.ts';
import type { Signals } from './ports/signals.ts';
import type { TaskRunner } from './ports/task-runner.ts';

/** What a host wires together once and passes to every call: both databases and the four ports. */
export interface Platform {
  readonly metadata: MetadataDatabase;
  readonly results: ResultsDatabases;
  readonly artifacts: ArtifactStore;
  readonly tasks: TaskRunner;
  readonly queue: JobQueue;
  /** Absent: those of this process hear of each other, cancels and timelines of other processes are noticed by looking, about once a second. */
  readonly signals?: Signals | undefined;
  /** Absent: organizations submit as many jobs as they like. */
  readonly quotas?: Quotas | undefined;
  /** Absent: every job computes. */
  readonly cache?: ResultCache | undefined;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}
