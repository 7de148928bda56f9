import type { OrgId } from '@mad/core';
import { sql } from 'kysely';
import { OrganizationBusyError } from '../errors.ts';
import type { ClusterSession } from '../results-database/in-cluster-database.ts';

interface HoldOrganization {
  readonly orgId: OrgId;
  /** `make`: with others who make it; `unmake`: alone. */
  readonly to: 'make' | 'unmake';
}

/**
 * Keeps what is made for an organization on a cluster apart from what is taken back, for as long as the session lasts. Never waits: whoever holds it
 * may wait for what the caller holds in the Metadata DB. Nothing to do on PGlite, where nobody dies alone.
 * @throws {OrganizationBusyError}
 */
export async function holdOrganization(
  { cluster, db }: ClusterSession,
  { orgId, to }: HoldOrganization,
): Promise<void> {
  if (cluster.kind === 'pglite') return;
  const lock = sql.raw(to === 'make' ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock');
  const { rows } = await sql<{ held: boolean }>`
    select ${lock}(hashtextextended(${`mad.organization.${orgId.toLowerCase()}`}, 0)) as held`.execute(db);
  if (!rows[0]?.held)
    throw new OrganizationBusyError({ orgId, by: to === 'make' ? 'takeBackOrganization' : 'provisionOrganization' });
}
