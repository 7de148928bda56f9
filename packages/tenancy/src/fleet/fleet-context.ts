import type { Clock, Logger, MetadataDatabase } from '@mad/core';
import type { Clusters } from '../results-database/cluster.ts';

/** What work on the whole fleet needs. It opens connections of its own to the clusters and closes them. */
export interface FleetContext {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
  /** Times the pauses between attempts. @default systemClock */
  readonly clock?: Clock | undefined;
}
