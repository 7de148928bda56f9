import {
  inAllOrganizations,
  listOrganizations,
  type MetadataDatabase,
  type OrganizationStatus,
  type OrgId,
  type Page,
  type PageRequest,
  type Placement,
} from '@mad/core';

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
}

/** The organizations of the platform, newest first: for its operator, who asks as nobody's member. */
export async function findOrganizations(
  { metadata }: { readonly metadata: MetadataDatabase },
  request: FindOrganizations = {},
): Promise<Page<FoundOrganization>> {
  return inAllOrganizations(metadata, async (tx) => {
    const { items, ...rest } = await listOrganizations(tx, request);
    const ids = items.map(({ org_id }) => org_id);
    const places =
      ids.length === 0 ? [] : await tx.selectFrom('org_databases').selectAll().where('org_id', 'in', ids).execute();
    const placeOf = new Map(places.map((place) => [place.org_id, place]));
    const organizations = items.map(({ org_id: orgId, name, status, created_at: createdAt }) => {
      const { placement = null, cluster = null } = placeOf.get(orgId) ?? {};
      return { orgId, name, status, createdAt, placement, cluster };
    });
    return { items: organizations, ...rest };
  });
}
