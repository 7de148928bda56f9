import { sql } from 'kysely';
import { type OrgId, SYSTEM_ORG_ID } from '../ids.ts';
import { type OrganizationTransaction, organizationOf } from './metadata-database.ts';

/** Whose a shared row is, as an organization sees it: its own, the system's, or another organization's that is public. */
export type Owner = 'organization' | 'system' | 'other';

/** For the system organization, its rows are its own. */
export function ownerOf({ org_id }: { readonly org_id: OrgId }, orgId: OrgId): Owner {
  if (org_id === orgId.toLowerCase()) return 'organization';
  return org_id === SYSTEM_ORG_ID ? 'system' : 'other';
}

/** The condition that `ownerOf` gives this answer. */
export function ownedBy(tx: OrganizationTransaction, owner: Owner) {
  const own = organizationOf(tx);
  if (owner === 'organization') return sql<boolean>`org_id = ${own}`;
  if (owner === 'system') return sql<boolean>`(org_id = ${SYSTEM_ORG_ID} and org_id <> ${own})`;
  return sql<boolean>`org_id not in (${own}, ${SYSTEM_ORG_ID})`;
}
