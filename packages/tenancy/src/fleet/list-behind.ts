import {
  checkRequest,
  inAllOrganizations,
  type JsonObject,
  listOrganizationsBehind,
  type MigrationTrack,
  type OrgId,
  type Page,
  type PageRequest,
  resultsTrack,
} from '@mad/core';
import { z } from 'zod';
import type { FleetContext } from './fleet-context.ts';
import { newestVersion } from './newest-version.ts';

export interface ListBehind extends PageRequest {
  /** @default resultsTrack */
  readonly track?: MigrationTrack | undefined;
}

/** An organization whose Results DB is older than this program. */
export interface BehindOrganization {
  readonly orgId: OrgId;
  readonly name: string;
  readonly status: 'active' | 'suspended';
  readonly cluster: string;
  /** Name of the newest migration it has. */
  readonly version: string | null;
  /** What stopped its last migration: `{code, message}`; null when nothing did. */
  readonly error: JsonObject | null;
}

const schema = z.object({
  track: z.object({ name: z.string(), migrations: z.record(z.string(), z.unknown()) }).optional(),
});

/**
 * Active and suspended organizations whose Results DB lacks the newest migrations, newest first: one query on the Metadata DB, no Results DB is asked.
 * @throws {ValidationFailedError}
 */
export async function listBehind(
  { metadata }: Pick<FleetContext, 'metadata'>,
  request: ListBehind = {},
): Promise<Page<BehindOrganization>> {
  checkRequest(schema, { subject: 'list of organizations', value: request });
  const { track = resultsTrack, limit, cursor } = request;
  const target = newestVersion(track);
  const page = await inAllOrganizations(metadata, (tx) => listOrganizationsBehind(tx, { target, limit, cursor }));
  const items = page.items.map(({ org_id, schema_version, name, status, cluster, error }) => ({
    ...{ orgId: org_id, name, status, cluster, version: schema_version, error },
  }));
  return { ...page, items };
}
