import type { OperatorTransaction, OrgId } from '@mad/core';
import { sql } from 'kysely';

/** The name that is left of an organization, so that its own is free. */
export const nameOfDeleted = (orgId: OrgId): string => `(deleted) ${orgId}`;
/** True for every name that could be taken for one of those. */
export const isNameOfDeleted = (name: string): boolean => /^\(deleted\)/i.test(name);

/**
 * Deletes everything that the organization owns in the Metadata DB but its own row, where its Results DB was, and its audit trail, which stays and can
 * still be verified. The organization is `deleting` already: else published versions are refused.
 */
export async function deleteOrganizationRows(
  tx: OperatorTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<void> {
  const tasks = tx.selectFrom('task_definitions').select('task_definition_id').where('org_id', '=', orgId);
  await tx.deleteFrom('jobs_meta').where('org_id', '=', orgId).execute();
  await tx.deleteFrom('job_schedules').where('org_id', '=', orgId).execute();
  await tx.deleteFrom('admitted_jobs').where('org_id', '=', orgId).execute();
  await tx.deleteFrom('pipelines').where('org_id', '=', orgId).execute();
  await tx.deleteFrom('pipeline_templates').where('org_id', '=', orgId).execute();
  await tx.deleteFrom('task_services').where('task_definition_id', 'in', tasks).execute();
  await tx.deleteFrom('task_definitions').where('org_id', '=', orgId).execute();
  for (const table of [
    'molecules',
    'artifacts',
    'tokens',
    'invitations',
    'memberships',
    'roles',
    'org_settings',
  ] as const)
    await sql`delete from ${sql.table(table)} where org_id = ${orgId}`.execute(tx);
  await tx.deleteFrom('fleet_migration_organizations').where('org_id', '=', orgId).execute();
}
