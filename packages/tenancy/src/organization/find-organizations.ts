import {
  checkRequest,
  inAllOrganizations,
  listOrganizations,
  type MetadataDatabase,
  type OrganizationStatus,
  type OrgDatabaseRow,
  type OrgDatabaseState,
  type OrgDatabaseTransition,
  type OrgId,
  type Page,
  type PageRequest,
  type Placement,
} from '@mad/core';
import { z } from 'zod';

/** Which organizations of the platform. */
export interface FindOrganizations extends PageRequest {
  /** @default all, those that were deleted too */
  readonly status?: OrganizationStatus | undefined;
}

/** An organization of the platform, and where its Results DB is. */
export interface FoundOrganization {
  readonly orgId: OrgId;
  readonly name: string;
  readonly status: OrganizationStatus;
  readonly createdAt: Date;
  /** Null where it has no Results DB. */
  readonly placement: Placement | null;
  readonly cluster: string | null;
  /** Of its Results DB. */
  readonly state: OrgDatabaseState | null;
  /**
   * What a call does with its Results DB, or left half-way when it was killed; null: nothing. `move` is on its way to the other place, `move_back` is given up and
   * `move_drop` has come to its end but for the other place, which is dropped.
   */
  readonly transition: {
    readonly kind: OrgDatabaseTransition;
    /** Of a move. */
    readonly other: { readonly placement: Placement; readonly cluster: string } | null;
  } | null;
}

const status: z.ZodType<OrganizationStatus> = z.enum([
  'provisioning',
  'active',
  'suspended',
  'deleting',
  'deleted',
  'failed',
  'system',
]);
const schema = z.object({ status: status.optional() });

/** The organizations of the platform, newest first: for its operator, who asks as nobody's member. @throws {ValidationFailedError} */
export async function findOrganizations(
  { metadata }: { readonly metadata: MetadataDatabase },
  request: FindOrganizations = {},
): Promise<Page<FoundOrganization>> {
  checkRequest(schema, { subject: 'list of organizations', value: request });
  return inAllOrganizations(metadata, async (tx) => {
    const { items, ...rest } = await listOrganizations(tx, request);
    const ids = items.map(({ org_id }) => org_id);
    const places =
      ids.length === 0 ? [] : await tx.selectFrom('org_databases').selectAll().where('org_id', 'in', ids).execute();
    const placeOf = new Map(places.map((place) => [place.org_id, place]));
    const organizations = items.map(({ org_id: orgId, name, status, created_at: createdAt }) => {
      const place = placeOf.get(orgId);
      const { placement = null, cluster = null, state = null } = place ?? {};
      return { orgId, name, status, createdAt, placement, cluster, state, transition: toTransition(place) };
    });
    return { items: organizations, ...rest };
  });
}

function toTransition(row: OrgDatabaseRow | undefined): FoundOrganization['transition'] {
  if (row === undefined || row.transition === null) return null;
  const { transition: kind, other_placement: placement, other_cluster: cluster } = row;
  return { kind, other: placement === null || cluster === null ? null : { placement, cluster } };
}
