import type { Logger, MetadataDatabase } from '@mad/core';
import { z } from 'zod';
import type { Clusters } from '../results-database/cluster.ts';

/** What changes the life of an organization works with. It opens connections of its own to the clusters and closes them. */
export interface OrganizationContext {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

/** The properties of every request of an operator about one organization. */
export const operatorRequest = { orgId: z.uuid().toLowerCase(), actor: z.uuid().nullable() };
